"""The self-hosted host: a runtime for Lambda functions, its services, and the command line."""
