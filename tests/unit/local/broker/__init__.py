"""The broker with time as a value: nothing here waits."""
