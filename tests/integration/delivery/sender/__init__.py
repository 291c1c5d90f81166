"""The HTTP sender against real sockets: hostile receivers, blocked destinations, kept connections."""
