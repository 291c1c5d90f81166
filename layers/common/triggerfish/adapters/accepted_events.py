"""The `AcceptedEvents` port: concurrent webhook calls share one commit (group commit)."""

from triggerfish.adapters.batcher import Batcher
from triggerfish.adapters.db.event_logs import EventLogs
from triggerfish.domain.event_log import AcceptedEvent

BATCH = 200


class BatchedAcceptedEvents:
    """Stores accepted events; what comes while one statement runs goes into the next."""

    def __init__(self, events: EventLogs) -> None:
        self.insert: Batcher[AcceptedEvent, bool] = Batcher(events.insert_accepted, max_size=BATCH)
        self.mark_unsent = events.mark_unsent
