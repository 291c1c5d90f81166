"""A small SAM application for the runtime's tests: HTTP, WebSocket, queue and schedule functions."""
