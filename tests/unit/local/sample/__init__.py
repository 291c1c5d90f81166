"""A small SAM application for the runtime's tests: HTTP, streaming, WebSocket, queue and schedule
functions.
"""
