"""Every curl in the documents is run in a shell, word for word, and answers as is shown.

Two addresses are exchanged: the platform's `localhost:8080` and the receiver's `localhost:9000`.
Each page is a shell of its own, in which its curls run in order, each with the variables and
functions that the page sets. A GET is asked again for a while until the answer is as shown: what
it tells of may still be under way.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local.cli.receiver import ReceiverServer
from tests.e2e.answers import differences
from tests.e2e.examples import Example, curls_anywhere, to_run
from tests.e2e.platform import ROOT, Platform, platform
from tests.e2e.shell import Exchange, Shell
from tests.integration.access.test_access_matrix import OPERATIONS, Operation, title

PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
}
EXAMPLES = {page: to_run(page, text) for page, text in PAGES.items()}
CURLS = [one for page in EXAMPLES.values() for one in page if one.is_curl]
PATIENCE_SECONDS = 20.0
SECRET = re.compile(r"tf_\w{12}_\w{20,}|whsec_[\w+/]{20,}|(?<=/api/v1/webhook/)[\w-]+")


@dataclass(frozen=True)
class Outcome:
    """What came of an example: the last exchange, and what is wrong with it."""

    exchange: Exchange
    wrong: list[str]


@pytest.fixture(scope="module")
def one() -> Iterator[Platform]:
    with platform() as one:
        yield one


@pytest.fixture(scope="module")
def outcomes(
    one: Platform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Example, Outcome]]:
    """All examples of all pages, run once on a platform of their own."""
    with ReceiverServer() as receiver:
        addresses = {
            "localhost:8080": f"localhost:{one.port}",
            "localhost:9000": f"localhost:{receiver.port}",
        }
        yield {
            example: outcome
            for page, wanted in EXAMPLES.items()
            if wanted
            for example, outcome in run_page(
                wanted, one, addresses, tmp_path_factory.mktemp(Path(page).stem)
            )
        }


def run_page(
    page: list[Example], one: Platform, addresses: dict[str, str], folder: Path
) -> Iterator[tuple[Example, Outcome]]:
    (folder / ".triggerfish").symlink_to(one.state_dir)
    with Shell(folder, {"URL": one.url, "KEY": one.api_key}) as shell:
        for example in page:
            command = example.command
            for documented, real in addresses.items():
                command = command.replace(documented, real)
            yield example, run(example, command, shell)


def run(example: Example, command: str, shell: Shell) -> Outcome:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        exchange = shell.run(command)
        wrong = complaints(example, exchange) if example.is_curl else []
        if not (wrong and example.only_reads) or time.monotonic() > deadline:
            return Outcome(exchange, wrong)
        time.sleep(0.3)


def complaints(example: Example, exchange: Exchange) -> list[str]:
    statuses = [status for _, _, status in exchange.requests]
    if statuses != [example.status]:
        return [
            f"answered {statuses}, shown is {example.status}: {exchange.output or exchange.errors}"
        ]
    return [] if example.sets else differences(example.shown, exchange.output)


@pytest.mark.parametrize("example", CURLS, ids=lambda example: example.place)
def test_a_documented_curl_is_answered_as_shown(
    example: Example, outcomes: dict[Example, Outcome]
) -> None:
    outcome = outcomes[example]
    assert outcome.wrong == [], f"{example.place}: {example.command}\n{outcome.exchange.output}"


def test_every_operation_of_the_api_has_a_curl_in_the_documents(
    outcomes: dict[Example, Outcome],
) -> None:
    made = [one for outcome in outcomes.values() for one in outcome.exchange.requests]
    missing = [
        title(operation)
        for operation in OPERATIONS
        if not any(
            is_call(operation, method, url) and 200 <= status < 400 for method, url, status in made
        )
    ]
    assert missing == []


def is_call(operation: Operation, method: str, url: str) -> bool:
    """Whether it is a request to that operation; one to `/things/summary` is none to `/{id}`."""
    path = urlsplit(url).path
    literal = {path for _, path in OPERATIONS if "{" not in path}
    if method != operation[0] or (path in literal and path != operation[1]):
        return False
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", operation[1]), path) is not None


@pytest.mark.parametrize("page", PAGES)
def test_no_curl_stands_outside_an_example(page: str) -> None:
    assert curls_anywhere(PAGES[page]) == sum(one.is_curl for one in EXAMPLES[page])


def test_no_log_of_all_that_shows_a_secret(one: Platform, outcomes: dict[Example, Outcome]) -> None:
    shown = "".join(outcome.exchange.output for outcome in outcomes.values())
    secrets = {one.api_key, *SECRET.findall(shown)}
    assert {secret.partition("_")[0] for secret in secrets} >= {"tf", "whsec"}
    for path in (one.state_dir / "logs").iterdir():
        log = path.read_text(errors="replace")
        assert [secret for secret in secrets if secret in log] == [], path.name
