"""The functions, one folder each; a handler parses, calls one use case and replies."""
