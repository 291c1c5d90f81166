"""The embedded SQS broker: in memory, JSON protocol, as strict as AWS.

For one machine and for tests. Nothing is persisted: Postgres is the truth, and a lost queue costs
latency only.
"""

from local.services.broker.server import run

__all__ = ["run"]
