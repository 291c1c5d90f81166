"""What the local host starts and offers its operator, with real processes."""
