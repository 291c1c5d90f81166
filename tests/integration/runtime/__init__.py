"""The runtime as real processes on loopback, running the sample application."""
