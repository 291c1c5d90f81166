"""One verb a module: each use case takes its ports, decides through the domain, and acts."""
