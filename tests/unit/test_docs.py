"""The documents say what the code does: names, states, settings and links are compared."""

import re
from pathlib import Path
from typing import Any

import pytest

from local.runtime.template import load
from triggerfish.domain.delivery import TRANSITIONS, Status
from triggerfish.domain.signing import delivery_headers, encode_secret
from triggerfish.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
SETTING = re.compile(r"TRIGGERFISH_[A-Z0-9_]*[A-Z0-9]")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def fenced(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", read(page), re.DOTALL | re.MULTILINE)


def table_names(page: str) -> dict[str, str]:
    """Variable → its default, as the page's tables give them."""
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| ([^|]*) \|", read(page), re.MULTILINE)
    return {name: default.strip() for name, default in rows}


def template_names() -> tuple[set[str], set[str]]:
    template = load(ROOT / "infra/template.yaml", sqs_endpoint="http://sqs", environ={})
    modules = {function.module.split(".")[1] for function in template.functions.values()}
    return set(template.functions), modules


def test_the_readme_has_at_most_150_lines():
    assert len(read("README.md").splitlines()) <= 150


def test_the_changelog_has_an_unreleased_section_that_says_something():
    unreleased = read("CHANGELOG.md").partition("\n## Unreleased\n")[2].partition("\n## ")[0]
    assert "\n- " in unreleased


def test_every_function_folder_is_in_the_template_and_in_the_architecture():
    folders = {handler.parent.name for handler in ROOT.glob("functions/*/handler.py")}
    names, modules = template_names()
    section = read("docs/architecture.md").partition("## Functions")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert folders == modules == names == documented


def test_the_documented_states_are_those_of_the_code():
    diagram = next(d for d in fenced("docs/architecture.md", "mermaid") if "stateDiagram" in d)
    arrows = re.findall(r"^\s*(\S+) --> ([^:\s]+)", diagram, re.MULTILINE)
    transitions = {(a, b) for a, b in arrows if "[*]" not in (a, b)}
    assert transitions == {(a.value, b.value) for a, b in TRANSITIONS}
    assert {state for arrow in arrows for state in arrow} - {"[*]"} == {s.value for s in Status}


def test_the_documented_ends_are_the_states_that_nothing_leaves():
    diagram = next(d for d in fenced("docs/architecture.md", "mermaid") if "stateDiagram" in d)
    ends = set(re.findall(r"^\s*(\S+) --> \[\*\]", diagram, re.MULTILINE))
    assert ends == {status.value for status in Status} - {a.value for a, _ in TRANSITIONS}


def test_every_setting_is_documented_with_its_default():
    documented = table_names("docs/configuration.md")
    for name, field in Settings.model_fields.items():
        shown = documented[f"TRIGGERFISH_{name.upper()}"]
        expected = {None: "unset", "": "empty"}.get(field.default, f"`{field.default}`")
        assert shown == ("required" if field.is_required() else expected), name


def test_every_documented_setting_is_read_somewhere():
    settings = {f"TRIGGERFISH_{name.upper()}" for name in Settings.model_fields}
    documented = {name for name in table_names("docs/configuration.md") if SETTING.match(name)}
    assert documented == settings | used_by_the_host() | used_by_compose()


def test_every_variable_of_the_runtime_is_documented():
    used = {
        name
        for path in runtime_sources()
        for name in re.findall(r'"(RUNTIME_[A-Z_]+)"', text(path))
    }
    documented = {n for n in table_names("docs/configuration.md") if n.startswith("RUNTIME_")}
    assert used == documented


def test_the_example_environment_sets_only_known_settings():
    used = set(re.findall(r"^#?([A-Z0-9_]+)=", read(".env.example"), re.MULTILINE))
    assert used <= set(table_names("docs/configuration.md"))


def test_everything_in_the_example_environment_is_commented_out():
    lines = read(".env.example").splitlines()
    assert all(line.startswith("#") or not line for line in lines)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(found), f"{page.name}: {target}"


def test_every_decision_is_in_the_list():
    listed = set(LINK.findall(read("docs/decisions/README.md")))
    assert listed == {path.name for path in (DOCS / "decisions").glob("0*.md")}


def test_every_make_target_in_the_documents_exists():
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    for page in PAGES:
        used = re.findall(r"`(?:\S+=\S* )*make ([a-z-]+)", page.read_text(encoding="utf-8"))
        assert set(used) <= targets, page.name


def test_the_lines_that_verify_a_signature_do():
    secret, body = encode_secret(b"\x05" * 32), b'{"id": 42}'
    headers = delivery_headers("event", 1_800_000_000, body, secret)
    (snippet,) = fenced("docs/api.md", "python")
    for sent, expected in ((body, True), (b'{"id": 43}', False)):
        names: dict[str, Any] = {"secret": secret, "headers": headers, "body": sent}
        exec(snippet, names)
        assert names["genuine"] is expected


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def runtime_sources() -> list[Path]:
    return sorted((ROOT / "local/runtime").rglob("*.py"))


def used_by_the_host() -> set[str]:
    """Read by the command or its services, whatever functions read."""
    sources = [*(ROOT / "local/cli").rglob("*.py"), *(ROOT / "local/services").rglob("*.py")]
    return {name for path in sources for name in SETTING.findall(text(path))}


def used_by_compose() -> set[str]:
    """Read from the environment by compose itself, beside what it hands to the services."""
    return set(re.findall(r"\$\{(TRIGGERFISH_[A-Z0-9_]+)", read("docker-compose.yml")))


def anchors(page: Path) -> set[str]:
    headings = HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }
