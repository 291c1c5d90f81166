"""What the embedded host starts beside the functions: Postgres, the SQS broker, the supervisor."""
