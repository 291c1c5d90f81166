"""Bad input over HTTP: a table of what is known to be wrong, and a search for the unknown."""
