"""Triggers over HTTP and between ticks: made, changed, inspected, deleted."""
