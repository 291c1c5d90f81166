"""A shell that runs a document's commands one after the other, as its reader would."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

# What curl appends to stderr, so that commands are run as they are written.
WRITE_OUT = "%{stderr}%{method} %{url_effective} %{http_code}\\n"


@dataclass(frozen=True)
class Exchange:
    """What one command came to: its output, and the requests that its curls made."""

    output: str
    errors: str

    @property
    def requests(self) -> list[tuple[str, str, int]]:
        """Method, URL and status of each."""
        found = re.findall(r"^([A-Z]+) (http\S+) (\d{3})$", self.errors, re.MULTILINE)
        return [(method, url, int(status)) for method, url, status in found]


class Shell:
    """One bash in `folder`; variables and functions stay from command to command."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self._folder = folder
        (folder / ".curlrc").write_text(f'write-out = "{WRITE_OUT}"\nmax-time = 60\n')
        self._bash = subprocess.Popen(
            ["bash", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "CURL_HOME": str(folder), **variables},
            text=True,
        )

    def run(self, command: str) -> Exchange:
        """Run one command to its end."""
        assert self._bash.stdin
        assert self._bash.stdout
        self._bash.stdin.write(f"{{ {command}\n}} >out 2>errors </dev/null; echo done\n")
        self._bash.stdin.flush()
        assert self._bash.stdout.readline() == "done\n", f"the shell ended at: {command}"
        return Exchange(*((self._folder / name).read_text() for name in ("out", "errors")))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it; it is idle unless something went wrong."""
        self._bash.kill()
        self._bash.communicate()
