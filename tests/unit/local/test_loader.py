"""From handler name to callable, and each way that fails."""

import sys
from pathlib import Path

import pytest

from local.runtime.loader import LoadError, load_handler
from local.runtime.template import Function

SOURCES = {
    "good": "def handler(event, context): return 'hi'",
    "broken": "def handler(:",
    "needy": "import surely_not_installed",
    "angry": "raise RuntimeError('at import')",
    "constant": "handler = 1",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "loader_sample"
    package.mkdir()
    for name, source in SOURCES.items():
        (package / f"{name}.py").write_text(source)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def load(root: Path, module: str, attribute: str = "handler") -> object:
    return load_handler(Function("F", "f", root, f"loader_sample.{module}", attribute))


def test_a_handler_is_loaded_from_its_project(project: Path) -> None:
    handler = load(project, "good")
    assert callable(handler)
    assert handler({}, None) == "hi"


@pytest.mark.parametrize(
    ("module", "attribute", "kind", "message"),
    [
        ("good", "not a name", "Runtime.MalformedHandlerName", "Bad handler"),
        ("absent", "handler", "Runtime.ImportModuleError", "Unable to import module"),
        ("needy", "handler", "Runtime.ImportModuleError", "surely_not_installed"),
        ("broken", "handler", "Runtime.UserCodeSyntaxError", "Syntax error in module"),
        ("angry", "handler", "Runtime.ImportModuleError", "failed: RuntimeError: at import"),
        ("good", "other", "Runtime.HandlerNotFound", "'other' missing on module"),
        ("constant", "handler", "Runtime.HandlerNotFound", "not callable"),
    ],
)
def test_each_failure_has_its_own_message(
    project: Path, module: str, attribute: str, kind: str, message: str
) -> None:
    with pytest.raises(LoadError, match=message) as caught:
        load(project, module, attribute)
    assert caught.value.kind == kind
