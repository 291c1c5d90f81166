"""What every handler needs between an event and Python: HTTP, auth, queue and schedule wrappers."""
