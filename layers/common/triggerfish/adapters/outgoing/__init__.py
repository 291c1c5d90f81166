"""What goes out: POSTs to endpoints, within bounds of time, bytes and addresses."""
