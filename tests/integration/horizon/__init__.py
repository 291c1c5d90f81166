"""Event Horizon: uploads, their import, and the jobs that tell of it."""
