"""The dashboard, the alerts and the documents name the metrics that there are, and no others."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from triggerfish.domain.observation import (
    DURATION_BOUNDS_MS,
    LATENESS_BOUNDS_MS,
    Backlog,
    Heartbeat,
    OutcomeTotals,
    QueueDepth,
)
from triggerfish.edge.prometheus import render
from triggerfish.usecases.observe import Metrics

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAME = re.compile(r"\btriggerfish_\w+")
SELECTOR = re.compile(r"\b(triggerfish_\w+)\{(\w+)!?=~?\"([^\"]*)\"\}")
GROUPING = re.compile(r"\bby \(([^)]*)\) \((?:rate\()?(triggerfish_\w+)")
READING = Metrics(
    at=NOW,
    heartbeats={name: Heartbeat(NOW, 1, {}) for name in ("tick", "deliver", "retention")},
    backlog=Backlog((), None),
    triggers={"active": 1},
    outcomes=[
        OutcomeTotals(
            "success", 1, 1, [1] * len(DURATION_BOUNDS_MS), 1, 1, 1, [1] * len(LATENESS_BOUNDS_MS)
        )
    ],
    finished=[],
    rows_past_expiry=0,
    queues={"deliveries": QueueDepth(0, 0, 0, 0)},
)


def rendered() -> dict[str, set[tuple[str, str]]]:
    """Every sample's name, with its labels and their values."""
    found: dict[str, set[tuple[str, str]]] = {}
    for family in text_string_to_metric_families(render(READING).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels.items())
    return found


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "infra/grafana/triggerfish.json").read_text())
    return loaded


def rules() -> list[dict[str, Any]]:
    alerts = yaml.safe_load((ROOT / "infra/prometheus/alerts.yml").read_text())
    return [rule for group in alerts["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    panels = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return panels + [rule["expr"] for rule in rules()]


@pytest.mark.parametrize("expression", expressions())
def test_every_expression_asks_for_metrics_and_labels_that_exist(expression: str) -> None:
    samples = rendered()
    assert expression.count("(") == expression.count(")")
    for name in NAME.findall(expression):
        assert name in samples, name
    for name, label, value in SELECTOR.findall(expression):
        assert (label, value) in samples[name], (name, label, value)
    for labels, name in GROUPING.findall(expression):
        known = {label for label, _ in samples[name]}
        assert set(labels.split(", ")) <= known, (name, labels)


def test_every_metric_is_on_the_dashboard():
    shown = " ".join(t["expr"] for panel in dashboard()["panels"] for t in panel["targets"])
    families = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in rendered()}
    assert {name for name in families if name not in shown} == set()


def test_panels_have_ids_of_their_own_and_do_not_overlap():
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_alerts_have_names_of_their_own_and_say_what_is_wrong():
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"]


def test_the_scrape_configuration_reads_the_rules_and_the_metrics():
    config = yaml.safe_load((ROOT / "infra/prometheus/prometheus.yml").read_text())
    assert [(ROOT / "infra/prometheus" / name).exists() for name in config["rule_files"]] == [True]
    assert [job["metrics_path"] for job in config["scrape_configs"]] == ["/metrics"]


def test_the_documented_metrics_are_those_there_are():
    page = (ROOT / "docs/operations.md").read_text()
    documented = set(re.findall(r"^\| `(triggerfish_\w+)", page, re.MULTILINE))
    families = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in rendered()}
    assert documented == families
