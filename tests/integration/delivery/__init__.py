"""From a due event to its endpoint: attempts, the HTTP sender, limits, held events."""
