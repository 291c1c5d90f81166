"""The league table: the platform beside other schedulers and queues, in one run on one machine."""
