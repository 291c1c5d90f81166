"""The world: database, queue, HTTP, clock and ids, each behind a port."""
