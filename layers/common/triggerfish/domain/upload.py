"""What may be uploaded: a file of JSON lines of bounded size, whose first line is an object."""

import hashlib

from triggerfish.domain.errors import FieldError, InvalidInput, TooLarge
from triggerfish.domain.json_payload import parse_payload
from triggerfish.domain.lines import MAX_LINE_BYTES, Line, LineReader

EXTENSIONS = (".jsonl", ".ndjson")
COMPRESSED = ".gz"
MAX_NAME_CHARACTERS = 255
FIELD = "file"


def refuse(message: str) -> InvalidInput:
    """An error that names the file."""
    return InvalidInput("The file is not acceptable.", (FieldError(FIELD, message),))


def check_name(name: str) -> str:
    """The file's own name, without the folders some clients send. Raises InvalidInput."""
    own = name.replace("\\", "/").rpartition("/")[2].strip()
    stem, _, extension = own.lower().removesuffix(COMPRESSED).rpartition(".")
    if not stem or f".{extension}" not in EXTENSIONS:
        taken = ", ".join(f"*{ending}" for ending in EXTENSIONS)
        raise refuse(f"must be named {taken}, or that in gzip with *{COMPRESSED}: JSON lines")
    if len(own) > MAX_NAME_CHARACTERS or not own.isprintable():
        raise refuse(f"its name must be at most {MAX_NAME_CHARACTERS} printable characters")
    return own


def is_compressed(name: str) -> bool:
    return name.lower().endswith(COMPRESSED)


class UploadCheck:
    """Looks at the bytes of an upload as they pass: size, SHA-256, and the first line."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        self._reader: LineReader | None = LineReader()
        self.size = 0

    def feed(self, chunk: bytes) -> None:
        """Raises TooLarge, and InvalidInput for a first line that is no JSON object."""
        self.size += len(chunk)
        if self.size > self._max_bytes:
            raise TooLarge(f"The file may have at most {self._max_bytes} bytes.")
        self._hash.update(chunk)
        if self._reader:
            first = next(self._reader.feed(chunk), None)
            if first:
                self._check_first(first)
            elif self.size > 2 * MAX_LINE_BYTES:
                raise refuse(f"line 1 is longer than {MAX_LINE_BYTES} bytes")

    def finish(self) -> None:
        """The file is whole. Raises InvalidInput for an empty one, and as `feed`."""
        if not self.size:
            raise refuse("is empty")
        if self._reader:
            self._check_first(next(self._reader.finish(), Line(1, b"", 0)))

    @property
    def sha256(self) -> str:
        """In hexadecimal."""
        return self._hash.hexdigest()

    def _check_first(self, line: Line) -> None:
        self._reader = None
        if line.text is None:
            raise refuse(f"line 1 is longer than {MAX_LINE_BYTES} bytes")
        try:
            value = parse_payload(line.text, max_bytes=MAX_LINE_BYTES, name="line")
        except InvalidInput as error:
            raise refuse(f"line 1 {error.details[0].message}") from error
        if not isinstance(value, dict):
            raise refuse("line 1 must be a JSON object")
