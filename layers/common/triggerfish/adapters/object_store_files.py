"""The `ObjectStore` port in a folder: one file an object, the embedded host's store."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from triggerfish.domain.errors import TryLater
from triggerfish.ports import ObjectMissing

CHUNK = 1 << 20
UNFINISHED = ".part"


class FileStore:
    """Objects as files of one folder, which only this user can read; keys must be plain names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def create(self, key: str) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
        path = self._path(key)
        partial = path.with_name(path.name + UNFINISHED)
        with _store_errors():
            file = await asyncio.to_thread(_create, partial)
        try:
            yield lambda data: _write(file, data)
            with _store_errors():
                await asyncio.to_thread(_finish, file, partial, path)
        except BaseException:
            file.close()
            partial.unlink(missing_ok=True)
            raise

    async def read(self, key: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        try:
            with _store_errors():
                file = await asyncio.to_thread(_open, self._path(key), offset)
        except FileNotFoundError:
            raise ObjectMissing(key) from None
        with file:
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk

    async def delete(self, key: str) -> None:
        with _store_errors(), suppress(FileNotFoundError):
            await asyncio.to_thread(self._path(key).unlink)

    def _path(self, key: str) -> Path:
        if not key or Path(key).name != key or key.startswith("."):
            raise ValueError(f"{key!r} is not a plain name")
        return self._folder / key


@contextmanager
def _store_errors() -> Iterator[None]:
    """A missing file keeps its name; a full or unreachable disk may be better later."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise TryLater("The object store is not reachable; try again shortly.") from error


def _create(partial: Path) -> BinaryIO:
    partial.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


async def _write(file: BinaryIO, data: bytes) -> None:
    with _store_errors():
        await asyncio.to_thread(file.write, data)


def _finish(file: BinaryIO, partial: Path, path: Path) -> None:
    """On disk before it has its name, so that no crash leaves a shorter object."""
    file.flush()
    os.fsync(file.fileno())
    file.close()
    partial.replace(path)


def _open(path: Path, offset: int) -> BinaryIO:
    file = path.open("rb")
    file.seek(offset)
    return file
