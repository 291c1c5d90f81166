"""`make attack`: what one caller can do to all, while another tenant's calls are timed."""
