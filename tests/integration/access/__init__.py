"""Who may do what: keys, scopes, projects, limits, and secrets that stay secret."""
