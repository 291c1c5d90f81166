"""The self-hosted host: a runtime for Lambda functions, the services it needs, and the command line."""
