"""Every setting of the functions, read once from `TRIGGERFISH_*` (docs/configuration.md)."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from triggerfish.domain.retention import RetentionPolicy


class Settings(BaseSettings):
    """The functions' settings; each field is the variable TRIGGERFISH_<FIELD>."""

    model_config = SettingsConfigDict(
        env_prefix="TRIGGERFISH_", env_ignore_empty=True, frozen=True, extra="ignore"
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
    egress_allow: str = Field(
        "",
        description="Private networks (CIDRs, comma-separated) that deliveries may reach; "
        "`triggerfish up` opens loopback unless this is set, if only to nothing.",
    )

    imports_queue_url: str = Field("", description="The queue of import jobs (template).")
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
    horizon_sweep_seconds: float = Field(
        5.0, gt=0, description="Seconds between two sweeps of forgotten imports (local hosts)."
    )

    @field_validator("object_store")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if not re.fullmatch(r"file:.+|s3://[^/]+", value):
            raise ValueError("must be file:path or s3://bucket")
        return value

    @property
    def retention(self) -> RetentionPolicy:
        return RetentionPolicy(
            timedelta(seconds=self.active_seconds), timedelta(seconds=self.archive_seconds)
        )

    @property
    def service_ports(self) -> frozenset[int]:
        """Ports of our own services: no delivery may reach them, loopback open or not."""
        urls = (self.database_url, self.sqs_endpoint_url or "", self.s3_endpoint_url or "")
        return frozenset(port for url in urls if (port := urlsplit(url).port) is not None)

    @property
    def lookahead(self) -> timedelta:
        return timedelta(seconds=self.lookahead_seconds)
