"""Clients of AWS services for workers: few retries, short timeouts, made one at a time."""

from threading import Lock
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient

# Together less than the lease of a notification: a live worker always answers before.
CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "max_attempts": 2},
    max_pool_connections=8,
)

# boto3 makes clients out of one shared session, which is not safe from several threads at once.
_making_a_client = Lock()


def s3_client(endpoint_url: str | None) -> "S3Client":
    """Patient, since parts are large; with addresses any S3-compatible service understands."""
    config = CONFIG.merge(
        Config(
            read_timeout=30,
            retries={"mode": "standard", "max_attempts": 3},
            s3={"addressing_style": "path"} if endpoint_url else {},
        )
    )
    with _making_a_client:
        return boto3.client("s3", endpoint_url=endpoint_url, config=config)


def sns_client() -> "SNSClient":
    with _making_a_client:
        return boto3.client("sns", config=CONFIG)


def ses_client() -> "SESV2Client":
    with _making_a_client:
        return boto3.client("sesv2", config=CONFIG)
