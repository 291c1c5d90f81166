"""Events once they have fired: logs, summaries, replays, test runs, retention."""
