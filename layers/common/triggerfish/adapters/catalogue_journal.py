"""The journal of the catalogue in the functions' log: failed notifications, and summaries read."""

from uuid import UUID

import structlog

from triggerfish.domain.catalogue_notification import Notification


class LogCatalogueJournal:
    """Writes what happens around the catalogue; the edge sets the log up and binds its ids."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()

    def not_told(self, notification: Notification, reason: str) -> None:
        """A notification failed and is tried again later."""
        self._log.warning(
            "notification_failed",
            notification_id=notification.id,
            event_id=notification.event_id,
            attempt=notification.attempt,
            reason=reason,
        )

    def summary_looked_up(self, event_id: UUID, *, hit: bool) -> None:
        self._log.info("summary_looked_up", event_id=event_id, cache="HIT" if hit else "MISS")

    def summary_streamed(self, event_id: UUID, *, sent: int, of: int) -> None:
        """A stream has ended, by itself or because its reader went away."""
        self._log.info("summary_streamed", event_id=event_id, sent=sent, of=of, abandoned=sent < of)
