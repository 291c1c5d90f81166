"""From a trigger to its event: schedules, webhooks, and each firing logged once."""
