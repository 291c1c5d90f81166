"""The `ObjectStore` port on any S3 service: multipart uploads and ranged reads, through boto3."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from botocore.response import StreamingBody
from urllib3.exceptions import HTTPError

from triggerfish.domain.errors import TryLater
from triggerfish.ports import ObjectMissing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART = 8 << 20
"""Of an upload, in bytes; S3 allows 10,000 parts of at least 5 MiB."""
CHUNK = 1 << 20
MISSING = ("NoSuchKey", "404")


class S3Store:
    """Objects of one bucket; calls run in threads, because boto3 is sync."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    @asynccontextmanager
    async def create(self, key: str) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
        upload = _Upload(self._client, self._bucket, key)
        await upload.begin()
        try:
            yield upload.write
            await upload.complete()
        except BaseException:
            # Also when the caller was cancelled, who no longer waits: parts cost money.
            await asyncio.shield(asyncio.create_task(upload.abort()))
            raise

    async def read(self, key: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        body = await self._open(key, offset)
        if body is None:
            return
        try:
            while True:
                with _store_errors(key):
                    chunk = await asyncio.to_thread(body.read, CHUNK)
                if not chunk:
                    return
                yield chunk
        finally:
            body.close()

    async def _open(self, key: str, offset: int) -> "StreamingBody | None":
        """None when the object ends at `offset`: S3 has no empty ranges."""
        try:
            with _store_errors(key):
                answer = await asyncio.to_thread(
                    self._client.get_object, Bucket=self._bucket, Key=key, Range=f"bytes={offset}-"
                )
        except TryLater as error:
            if _code(error.__cause__) == "InvalidRange":
                return None
            raise
        return answer["Body"]

    async def delete(self, key: str) -> None:
        with _store_errors(key):
            await asyncio.to_thread(self._client.delete_object, Bucket=self._bucket, Key=key)


def ensure_bucket(client: "S3Client", bucket: str) -> None:
    """Make the bucket if it is missing. Raises TryLater when the service is away or refuses."""
    with _store_errors(bucket):
        if _is_missing(client, bucket):
            client.create_bucket(Bucket=bucket)


def _is_missing(client: "S3Client", bucket: str) -> bool:
    """Not so one that is there but not ours to look at."""
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if _code(error) not in ("403", "404"):
            raise
        return _code(error) == "404"
    return False


class _Upload:
    """One multipart upload: collects a part, sends it, numbers it."""

    def __init__(self, client: "S3Client", bucket: str, key: str) -> None:
        self._client = client
        self._bucket, self._key = bucket, key
        self._id = ""
        self._waiting = bytearray()
        self._parts: list[CompletedPartTypeDef] = []

    async def begin(self) -> None:
        with _store_errors(self._key):
            begun = await asyncio.to_thread(
                self._client.create_multipart_upload, Bucket=self._bucket, Key=self._key
            )
        self._id = begun["UploadId"]

    async def write(self, data: bytes) -> None:
        self._waiting += data
        while len(self._waiting) >= PART:
            part = bytes(self._waiting[:PART])
            del self._waiting[:PART]
            await self._send(part)

    async def complete(self) -> None:
        if self._waiting or not self._parts:
            await self._send(bytes(self._waiting))
        with _store_errors(self._key):
            await asyncio.to_thread(
                self._client.complete_multipart_upload,
                Bucket=self._bucket,
                Key=self._key,
                UploadId=self._id,
                MultipartUpload={"Parts": self._parts},
            )

    async def abort(self) -> None:
        """Best effort: a lifecycle rule of the bucket ends what a dead process left."""
        with suppress(BotoCoreError, ClientError, HTTPError):
            await asyncio.to_thread(
                self._client.abort_multipart_upload,
                Bucket=self._bucket,
                Key=self._key,
                UploadId=self._id,
            )

    async def _send(self, part: bytes) -> None:
        number = len(self._parts) + 1
        with _store_errors(self._key):
            sent = await asyncio.to_thread(
                self._client.upload_part,
                Bucket=self._bucket,
                Key=self._key,
                UploadId=self._id,
                PartNumber=number,
                Body=part,
            )
        self._parts.append({"ETag": sent["ETag"], "PartNumber": number})


def _code(error: BaseException | None) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else ""


@contextmanager
def _store_errors(key: str) -> Iterator[None]:
    """An object that is not there is told from a service that is away."""
    try:
        yield
    except ClientError as error:
        if _code(error) in MISSING:
            raise ObjectMissing(key) from error
        raise TryLater("The object store does not answer; try again shortly.") from error
    except (BotoCoreError, HTTPError) as error:
        raise TryLater("The object store is not reachable; try again shortly.") from error
