"""The state directory of an embedded platform: its keys, its logs, the note that finds it."""

import base64
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from local.services.errors import CannotBegin
from local.services.lock import Lock

DEFAULT = ".triggerfish"


@dataclass(frozen=True)
class Platform:
    """A running platform as `platform.json` describes it.

    `services` maps names to process ids; `environment` is what a command needs to act as one of
    them. The key itself stands in `api_key_file`. `invoke_url` is Lambda's Invoke API, if it is on.
    """

    pid: int
    url: str
    api_key_file: str
    database_url: str
    sqs_endpoint_url: str
    services: Mapping[str, int]
    environment: Mapping[str, str]
    invoke_url: str = ""

    def api_key(self) -> str:
        return Path(self.api_key_file).read_text().strip()


@dataclass(frozen=True)
class StateDir:
    """Where everything that outlives a command is kept, and under which names.

    Anybody may enter it, since Postgres may have to run as another user; what is secret in it is
    closed itself.
    """

    path: Path

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def api_key_file(self) -> Path:
        return self.path / "api-key"

    @property
    def invoke_secret_file(self) -> Path:
        return self.path / "invoke-secret"

    @property
    def encryption_keys_file(self) -> Path:
        return self.path / "encryption-keys"

    @property
    def _note(self) -> Path:
        return self.path / "platform.json"

    def log(self, service: str) -> Path:
        return self.path / "logs" / f"{service}.log"

    def pulse(self, service: str) -> Path:
        return self.path / "pulses" / service

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the directory and be its only platform; `AlreadyRunning` when there is one."""
        lock = Lock(self.path / "platform.lock", f"A platform in {self.path}")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for folder in ("logs", "pulses"):
                (self.path / folder).mkdir(mode=0o700, exist_ok=True)
            lock.acquire()
        except OSError as error:
            raise self._unusable("written", error) from None
        try:
            yield
        finally:
            self.withdraw()
            lock.release()

    def ensure_api_key(self, given: str | None) -> str:
        """The first admin key: the one given, the one kept, or a new one. Kept with mode 0600."""
        kept = self.api_key_file.read_text().strip() if self.api_key_file.exists() else ""
        key = given or kept or f"tf_{secrets.token_hex(24)}"
        if key != kept:
            write_secret(self.api_key_file, key + "\n")
        return key

    def ensure_invoke_secret(self, given: str | None) -> str:
        """What callers of Lambda's Invoke API sign with: the one given, the one kept, a new one."""
        if given:
            return given
        if not self.invoke_secret_file.exists():
            write_secret(self.invoke_secret_file, f"{secrets.token_hex(24)}\n")
        return self.invoke_secret_file.read_text().strip()

    def ensure_encryption_keys(self, file: Path | None = None) -> Path:
        """The file of the key ring, with one new key if there was none. Kept with mode 0600.

        A `file` elsewhere takes over the ring that this directory holds.
        """
        target, own = file or self.encryption_keys_file, self.encryption_keys_file
        if not target.exists():
            made = f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}\n"
            write_secret(target, own.read_text() if own.exists() else made)
        if target != own:
            own.unlink(missing_ok=True)
        return target

    def announce(self, platform: Platform) -> None:
        write_secret(self._note, json.dumps(asdict(platform), indent=2) + "\n")

    def withdraw(self) -> None:
        self._note.unlink(missing_ok=True)

    def running(self) -> Platform | None:
        """The platform that runs here now; a killed one's note does not count."""
        try:
            platform = Platform(**json.loads(self._note.read_text()))
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return None
        except OSError as error:
            raise self._unusable("read", error) from None
        return platform if psutil.pid_exists(platform.pid) else None

    def _unusable(self, done: str, error: OSError) -> CannotBegin:
        said = f"TRIGGERFISH_STATE_DIR: the folder {self.path} cannot be {done} ({error.strerror})."
        return CannotBegin(said)


def find(path: str | None = None) -> StateDir:
    """The state directory that `path` or TRIGGERFISH_STATE_DIR names, else `.triggerfish` here."""
    return StateDir(Path(path or os.environ.get("TRIGGERFISH_STATE_DIR") or DEFAULT).absolute())


def write_secret(path: Path, text: str) -> None:
    """Replace a file by one that only its owner can read, in one step."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(text)
    fresh.replace(path)
