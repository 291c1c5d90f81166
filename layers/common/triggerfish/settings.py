"""Every setting of the functions, read once from `TRIGGERFISH_*` (docs/configuration.md)."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from triggerfish.domain.key_ring import KeyRing, parse_key_ring
from triggerfish.domain.retention import RetentionPolicy

DEFAULT_PORTS = {"postgresql": 5432, "postgres": 5432, "http": 80, "https": 443}


class Settings(BaseSettings):
    """The functions' settings; each field is the variable TRIGGERFISH_<FIELD>."""

    model_config = SettingsConfigDict(
        env_prefix="TRIGGERFISH_",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        allow_inf_nan=False,
    )

    database_url: str = Field(
        description="Where Postgres is: `postgresql+psycopg://user:password@host:5432/name`."
    )
    database_pool_size: int = Field(10, ge=1, description="Connections of one process at most.")
    sqs_endpoint_url: str | None = Field(
        None, description="An SQS-compatible service; unset on AWS."
    )
    deliveries_queue_url: str = Field("", description="The queue of deliveries (template).")
    deliveries_dlq_url: str = Field("", description="Its dead-letter queue (template).")
    bootstrap_api_key: str = Field("", description="The first admin key, ensured by `migrate`.")
    encryption_keys: str = Field(
        "",
        description="The key ring of secrets at rest, `id:base64,id:base64`: the first encrypts, "
        "all decrypt (`triggerfish rekey`).",
    )
    encryption_keys_file: str = Field(
        "", description="A file with the key ring, read when the variable itself is empty."
    )
    plain_secrets: bool = Field(
        False, description="Let `migrate` run without an encryption key: secrets stay readable."
    )
    public_url: str = Field(
        "http://localhost:8080", description="The base of webhook URLs, as customers reach it."
    )
    lookahead_seconds: float = Field(
        2.0, gt=0, le=900, description="How far ahead firings are written and enqueued."
    )
    tick_seconds: float = Field(1.0, gt=0, description="Seconds between two ticks (local hosts).")
    retention_seconds: float = Field(
        60.0, gt=0, description="Seconds between two retention runs (local hosts)."
    )
    active_seconds: float = Field(7200.0, gt=0, description="How long an event log is active.")
    archive_seconds: float = Field(
        165_600.0, gt=0, description="How long it is archived after that, then it is deleted."
    )
    endpoint_concurrency: int = Field(
        5, ge=1, description="Simultaneous deliveries to one endpoint, per worker process."
    )
    worker: str = Field(
        "",
        description="A worker's name, which no other has while it lives: when it starts, it takes "
        "up what an earlier one of that name left unfinished (`triggerfish worker --name`).",
    )
    disable_after_seconds: float = Field(
        86_400.0,
        gt=0,
        description="A trigger is disabled when nothing but failures came for that long.",
    )
    webhook_rate: float = Field(
        2000.0, ge=0, description="Calls a second of one trigger's webhook, per gateway process."
    )
    key_rate: float = Field(
        2000.0,
        ge=0,
        description="Requests a second with the API keys of one project, per gateway process.",
    )
    public_rate: float = Field(
        100.0,
        ge=0,
        description="Requests a second without a key from one address, per gateway process.",
    )
    cors_origins: str = Field(
        "",
        description="Sites (`https://app.example.com`, comma-separated) whose pages may call the "
        "API; none by default. What is public is open to every site.",
    )
    triggers_per_project: int = Field(
        100_000, ge=1, description="How many triggers a project may have."
    )
    events_per_project: int = Field(
        20_000_000, ge=0, description="Events that a project may add while logs are kept; 0: any."
    )
    event_bytes_per_project: int = Field(
        20 << 30, ge=0, description="Bytes of their payloads likewise; 0: any."
    )
    imports_per_project: int = Field(
        10_000, ge=1, description="How many imports a project may have."
    )
    database_disk: str = Field(
        "", description="A folder on the disk of the database, whose free space is watched."
    )
    database_disk_reserve_bytes: int = Field(
        256 << 20, ge=0, description="With less left there nothing new is accepted."
    )
    egress_allow: str = Field(
        "",
        description="Private networks (CIDRs, comma-separated) that deliveries may reach; "
        "`triggerfish up` opens loopback unless this is set, if only to nothing.",
    )

    imports_queue_url: str = Field("", description="The queue of import jobs (template).")
    imports_dlq_url: str = Field("", description="Its dead-letter queue (template).")
    object_store: str = Field(
        "file:.triggerfish/objects",
        description="Where uploads are kept: a folder (`file:path`) or `s3://bucket`.",
    )
    s3_endpoint_url: str | None = Field(None, description="An S3-compatible service; unset on AWS.")
    horizon_max_upload_bytes: int = Field(
        512 << 20, ge=1, description="The largest file that may be uploaded."
    )
    horizon_line_delay_seconds: float = Field(
        0.0, ge=0, le=5, description="The longest (random) pause of an import before each line."
    )
    horizon_watch_seconds: float = Field(
        900.0, gt=0, description="How long one stream or WebSocket of an import lasts at most."
    )
    horizon_kept_seconds: float = Field(
        2_592_000.0, gt=0, description="How long an import is kept after its end, then deleted."
    )
    horizon_sweep_seconds: float = Field(
        5.0, gt=0, description="Seconds between two sweeps of forgotten imports (local hosts)."
    )

    open_streams: int = Field(
        1000,
        ge=1,
        description="Streams that one gateway process holds open: of imports, sockets included, "
        "and as many of summaries.",
    )
    open_streams_per_project: int = Field(
        200, ge=1, description="Streams and sockets of imports that one project holds open there."
    )
    horizon_websocket_origins: str = Field(
        "",
        description="Sites (comma-separated) whose pages may open a WebSocket; the API's own may.",
    )

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme.partition("+")[0] not in ("postgresql", "postgres"):
            raise ValueError("must begin with postgresql://")
        return value

    @field_validator("database_url", "sqs_endpoint_url", "s3_endpoint_url")
    @classmethod
    def _has_a_port(cls, value: str | None) -> str | None:
        try:
            _ = urlsplit(value or "").port
        except ValueError:
            raise ValueError("must have a port from 1 to 65535") from None
        return value

    @field_validator("object_store")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if not re.fullmatch(r"file:.+|s3://[^/]+", value):
            raise ValueError("must be file:path or s3://bucket")
        return value

    @property
    def websocket_origins(self) -> frozenset[str]:
        """Behind a proxy with TLS the API's own pages are at the public URL, not at ours."""
        return frozenset(
            filter(None, [self.public_url, *self.horizon_websocket_origins.split(",")])
        )

    notifications_queue_url: str = Field(
        "", description="The queue of the catalogue's notifications (template)."
    )
    notifications_dlq_url: str = Field("", description="Its dead-letter queue (template).")
    catalogue_admin_token: str = Field(
        "", description="A static token that manages the event catalogue; empty, only keys do."
    )
    catalogue_notifier: Literal["log", "sns", "ses", "trigger"] = Field(
        "log", description="Who is told what happens in the catalogue."
    )
    catalogue_sns_topic_arn: str = Field("", description="The topic that `sns` publishes to.")
    catalogue_ses_sender: str = Field("", description="The address that `ses` sends from.")
    catalogue_ses_recipients: str = Field(
        "", description="The addresses that `ses` sends to, comma-separated."
    )
    catalogue_trigger_id: UUID | None = Field(None, description="The API trigger `trigger` fires.")
    catalogue_sweep_seconds: float = Field(
        5.0, gt=0, description="Seconds between two sweeps of unsent notifications (local hosts)."
    )
    catalogue_summary_delay_ms: float = Field(
        40.0, ge=0, le=1000, description="Milliseconds between two pieces of a streamed summary."
    )
    catalogue_summaries: int = Field(
        1000, ge=1, description="Summaries that one process remembers at most."
    )

    @model_validator(mode="after")
    def _notifier_has_what_it_needs(self) -> Self:
        needed = {
            "log": (),
            "sns": ("catalogue_sns_topic_arn",),
            "ses": ("catalogue_ses_sender", "catalogue_ses_recipients"),
            "trigger": ("catalogue_trigger_id",),
        }
        missing = [name for name in needed[self.catalogue_notifier] if not getattr(self, name)]
        if missing:
            names = ", ".join(f"TRIGGERFISH_{name.upper()}" for name in missing)
            raise ValueError(f"The notifier {self.catalogue_notifier} needs {names}.")
        return self

    @property
    def summary_delay(self) -> timedelta:
        return timedelta(milliseconds=self.catalogue_summary_delay_ms)

    @property
    def key_ring(self) -> KeyRing:
        """Raises ValueError for a ring that cannot be read, OSError for a file."""
        text = self.encryption_keys
        if not text and self.encryption_keys_file:
            text = Path(self.encryption_keys_file).read_text(encoding="ascii")
        return parse_key_ring(text)

    @property
    def retention(self) -> RetentionPolicy:
        return RetentionPolicy(
            timedelta(seconds=self.active_seconds), timedelta(seconds=self.archive_seconds)
        )

    @property
    def services(self) -> tuple[tuple[str, int], ...]:
        """Host and port of our own services: no delivery may reach them, public or opened."""
        given = (self.database_url, self.sqs_endpoint_url or "", self.s3_endpoint_url or "")
        urls = [urlsplit(url) for url in given]
        return tuple(
            (url.hostname, url.port or DEFAULT_PORTS[url.scheme.partition("+")[0]])
            for url in urls
            if url.hostname
        )

    @property
    def service_ports(self) -> frozenset[int]:
        """Their ports, closed on whatever EGRESS_ALLOW opens; HTTP's own are left to addresses."""
        return frozenset(port for _, port in self.services) - {80, 443}

    @property
    def lookahead(self) -> timedelta:
        return timedelta(seconds=self.lookahead_seconds)
