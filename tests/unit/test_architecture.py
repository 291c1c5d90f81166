"""The house keeps its rules, and each rule bites: broken on purpose in a copy, it is the one named.

What `make check` runs is run here as well, so that a rule which no longer catches anything fails.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from local.runtime.template import load

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
PACKAGES = ("layers/common/triggerfish", "layers/common/async_sqs", "functions", "local")
MAX_HANDLER_LINES = 65

# For each contract of pyproject.toml a module and an import that breaks it, and only it.
OFFENCES = {
    "Imports run one way: functions, edge and wiring, adapters or use cases, ports, domain": (
        "layers/common/triggerfish/usecases/tick.py",
        "import triggerfish.adapters.ids",
    ),
    "The domain is pure: no I/O, no clock, no environment, no logging": (
        "layers/common/triggerfish/domain/retry.py",
        "import os",
    ),
    "Functions are strangers to each other": (
        "functions/tick/handler.py",
        "import functions.retention.handler",
    ),
    "Only wiring reads the settings": (
        "layers/common/triggerfish/usecases/tick.py",
        "import triggerfish.settings",
    ),
    "What is shipped does not know the local host": (
        "layers/common/triggerfish/edge/loop.py",
        "import local.runtime.model",
    ),
    "The runtime and the services run anybody's functions": (
        "local/runtime/model.py",
        "import triggerfish.domain.retry",
    ),
}

# For each banned call a line that makes it, in a file of the domain.
BANNED_CALLS = [
    "from datetime import datetime\nx = datetime.now()\n",
    "import datetime\nx = datetime.datetime.now(datetime.UTC)\n",
    "from datetime import datetime\nx = datetime.utcnow()\n",
    "from datetime import datetime\nx = datetime.today()\n",
    "from datetime import date\nx = date.today()\n",
    "import time\nx = time.time()\n",
    "from time import time_ns\nx = time_ns()\n",
    "import uuid\nx = uuid.uuid4()\n",
    "import uuid_utils\nx = uuid_utils.uuid7()\n",
    "import secrets\nx = secrets.token_urlsafe()\n",
    "from random import random\nx = random()\n",
    "from sqlalchemy import func\nx = func.now()\n",
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and the configuration, to break things in."""
    place = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", place)
    return place


def broken_contracts(copy: Path) -> tuple[set[str], str]:
    """The contracts that import-linter calls broken, and all it said."""
    paths = os.pathsep.join([str(copy), str(copy / "layers" / "common")])
    ran = subprocess.run(
        [TOOLS / "lint-imports", "--config", copy / "pyproject.toml"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": paths, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = ran.stdout + ran.stderr
    assert "Contracts: " in said, said
    broken = {
        line.removesuffix(" BROKEN").strip() for line in said.splitlines() if " BROKEN" in line
    }
    assert (ran.returncode != 0) == bool(broken), said
    return broken, said


def contracts() -> list[str]:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [contract["name"] for contract in pyproject["tool"]["importlinter"]["contracts"]]


def test_every_contract_has_its_offence() -> None:
    assert contracts() == list(OFFENCES)


def test_the_imports_of_the_house_keep_all_contracts(copy: Path) -> None:
    broken, said = broken_contracts(copy)
    assert broken == set(), said
    assert f"{len(contracts())} kept, 0 broken" in said


@pytest.mark.parametrize("contract", OFFENCES)
def test_a_forbidden_import_breaks_exactly_its_contract(copy: Path, contract: str) -> None:
    name, line = OFFENCES[contract]
    module = copy / name
    before = module.read_text()
    module.write_text(f"{before}\n{line}\n")
    try:
        broken, said = broken_contracts(copy)
    finally:
        module.write_text(before)
    assert broken == {contract}, said


def ruff(text: str, path: str) -> str:
    ran = subprocess.run(
        [TOOLS / "ruff", "check", "--output-format", "concise", "--stdin-filename", path, "-"],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.stdout


@pytest.mark.parametrize("text", BANNED_CALLS, ids=lambda text: text.splitlines()[-1])
def test_time_randomness_and_ids_are_banned_from_the_domain(text: str) -> None:
    assert "TID251" in ruff(text, "layers/common/triggerfish/domain/offender.py")


def test_the_ban_lets_pass_what_takes_time_as_an_argument_and_the_one_clock() -> None:
    harmless = "from datetime import timedelta\nx = timedelta(1)\n"
    assert "TID251" not in ruff(harmless, "layers/common/triggerfish/domain/innocent.py")
    assert "TID251" not in ruff(BANNED_CALLS[0], "layers/common/triggerfish/adapters/clock.py")


def test_every_banned_call_is_tried() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    banned = pyproject["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
    for name in banned:
        assert any(name.split(".")[-1] in text for text in BANNED_CALLS), name


def test_every_function_is_in_the_template_and_every_entry_is_a_function() -> None:
    template = load(ROOT / "infra" / "template.yaml", sqs_endpoint="http://sqs", environ={})
    modules = {function.module for function in template.functions.values()}
    folders = {handler.parent.name for handler in (ROOT / "functions").glob("*/handler.py")}
    assert modules == {f"functions.{folder}.handler" for folder in folders}
    assert {name for name in template.functions} == folders


def test_every_function_is_one_short_handler() -> None:
    for folder in (ROOT / "functions").iterdir():
        if folder.is_dir() and folder.name != "__pycache__":
            files = {file.name for file in folder.glob("*.py")}
            assert files == {"__init__.py", "handler.py"}, folder.name
            lines = (folder / "handler.py").read_text().splitlines()
            assert len(lines) <= MAX_HANDLER_LINES, folder.name
