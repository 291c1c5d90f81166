"""What several services use: the database, the queue, the keys, the clock, and who calls."""

from datetime import timedelta
from functools import cached_property

from async_sqs import SqsClient
from triggerfish.adapters.clock import SystemClock
from triggerfish.adapters.db import searches
from triggerfish.adapters.db.deliveries import Deliveries
from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.event_logs import EventLogs
from triggerfish.adapters.db.idempotent_requests import IdempotentRequests
from triggerfish.adapters.db.keys import Keys
from triggerfish.adapters.db.observations import Observations
from triggerfish.adapters.db.overdue_events import OverdueEvents
from triggerfish.adapters.db.triggers import Triggers
from triggerfish.adapters.disk_space import DiskSpace
from triggerfish.adapters.ids import SystemIds
from triggerfish.adapters.journal import LogJournal
from triggerfish.adapters.key_lookups import KeyLookups
from triggerfish.adapters.key_usage import KeyUsage
from triggerfish.adapters.queue_sqs import SqsQueue
from triggerfish.adapters.rate_limits import RateLimits
from triggerfish.adapters.vault import Vault
from triggerfish.domain.access import Principal
from triggerfish.domain.rate import Rate
from triggerfish.ports import Clock
from triggerfish.settings import Settings
from triggerfish.usecases.authenticate import AuthenticateDeps, find_caller


class SharedParts:
    """The parts which more than one service is made of."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.ids = SystemIds()
        self.journal = LogJournal()

    @cached_property
    def database(self) -> Database:
        return Database(self.settings.database_url, pool_size=self.settings.database_pool_size)

    @cached_property
    def searches(self) -> searches.Searches:
        database = Database(
            self.settings.database_url,
            pool_size=min(searches.CONNECTIONS, self.settings.database_pool_size),
            statement_seconds=searches.SECONDS,
        )
        return searches.Searches(database)

    @cached_property
    def disk(self) -> DiskSpace:
        settings = self.settings
        return DiskSpace(settings.database_disk, settings.database_disk_reserve_bytes, self.clock)

    @cached_property
    def queue(self) -> SqsQueue:
        return SqsQueue(self.sqs, self.settings.deliveries_queue_url)

    @cached_property
    def sqs(self) -> SqsClient:
        return SqsClient(self.settings.sqs_endpoint_url)

    @cached_property
    def vault(self) -> Vault:
        return Vault(self.settings.key_ring, self.ids.nonce)

    @cached_property
    def triggers(self) -> Triggers:
        return Triggers(self.database, self.vault)

    @cached_property
    def events(self) -> EventLogs:
        return EventLogs(self.database)

    @cached_property
    def deliveries(self) -> Deliveries:
        return Deliveries(
            self.database,
            disable_after=timedelta(seconds=self.settings.disable_after_seconds),
            worker=self.settings.worker,
        )

    @cached_property
    def overdue(self) -> OverdueEvents:
        return OverdueEvents(self.database)

    @cached_property
    def observations(self) -> Observations:
        return Observations(self.database)

    @cached_property
    def keys(self) -> Keys:
        return Keys(self.database)

    @cached_property
    def keyed_requests(self) -> IdempotentRequests:
        return IdempotentRequests(self.database, self.vault, self.clock, self.ids)

    @cached_property
    def authentication(self) -> AuthenticateDeps:
        return AuthenticateDeps(
            clock=self.clock,
            keys=KeyLookups(self.keys),
            usage=KeyUsage(self.keys),
            rates=RateLimits("key", Rate(self.settings.key_rate), self.clock),
        )

    async def authenticate(self, key: str) -> Principal | None:
        """The caller behind an API key, None when it is not valid."""
        return await find_caller(key, self.authentication)

    @cached_property
    def tick_patience(self) -> timedelta:
        """How long the tick may be silent before it counts as down."""
        return timedelta(seconds=10 * self.settings.tick_seconds + 5)
