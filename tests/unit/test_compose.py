"""docker-compose.yml as far as it can be judged without an engine."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from triggerfish.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = Path(sys.executable).with_name("docker-compose")
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


@pytest.mark.skipif(not COMPOSE.exists(), reason="Compose has no wheel for this machine")
@pytest.mark.parametrize("profile", ["", "observability"])
def test_compose_accepts_the_file(profile: str) -> None:
    options = ["--profile", profile] if profile else []
    command = [str(COMPOSE), *options, "config", "--quiet"]
    environment = {"PATH": os.environ["PATH"]}  # no TRIGGERFISH_* of whoever runs the tests
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_file_that_is_mounted_exists() -> None:
    sources = [
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    ]
    assert len(sources) >= 4
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_every_setting_can_be_made_but_those_of_the_template() -> None:
    passed = set(SERVICES["gateway"]["environment"])
    known = {f"TRIGGERFISH_{name.upper()}" for name in Settings.model_fields}
    left = {name for name in known - passed if not name.endswith(("_QUEUE_URL", "_DLQ_URL"))}
    assert left == {"TRIGGERFISH_BOOTSTRAP_API_KEY", "TRIGGERFISH_WORKER"}  # of one service each


@pytest.mark.parametrize("name", ["gateway", "scheduler", "worker", "migrate"])
def test_whatever_runs_functions_can_read_the_encryption_key(name: str) -> None:
    """Every part that is wired to triggers reads the file, on whichever service it runs."""
    mounted = {volume.split(":")[1] for volume in SERVICES[name]["volumes"]}
    keys = SERVICES["gateway"]["environment"]["TRIGGERFISH_ENCRYPTION_KEYS_FILE"]
    assert str(Path(keys).parent) in mounted


@pytest.mark.parametrize("name", ["gateway", "scheduler", "worker"])
@pytest.mark.attack("secrets: the first key and the encryption key")
def test_only_the_migration_can_read_the_first_key(name: str) -> None:
    state = SERVICES["migrate"]["environment"]["TRIGGERFISH_STATE_DIR"]
    assert "TRIGGERFISH_BOOTSTRAP_API_KEY" not in SERVICES[name]["environment"]
    assert state in {volume.split(":")[1] for volume in SERVICES["migrate"]["volumes"]}
    assert state not in {volume.split(":")[1] for volume in SERVICES[name]["volumes"]}


def test_deliveries_reach_the_demo_receiver_and_nothing_else_that_is_private() -> None:
    opened = SERVICES["worker"]["environment"]["TRIGGERFISH_EGRESS_ALLOW"]
    address = SERVICES["receiver"]["networks"]["receivers"]["ipv4_address"]
    assert opened == f"${{TRIGGERFISH_EGRESS_ALLOW-{address}}}"


def test_of_the_object_store_only_s3_is_reached_by_others() -> None:
    store = SERVICES["seaweedfs"]
    assert "-ip.bind=127.0.0.1" in store["command"]
    assert "-s3.ip.bind=0.0.0.0" in store["command"]
    keys = {name for name in store["environment"] if name.startswith("AWS_")}
    assert keys == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    for name in ("gateway", "worker", "scheduler", "migrate"):
        environment = SERVICES[name]["environment"]
        assert {key: environment[key] for key in keys} == store["environment"]
        assert "seaweedfs" in SERVICES[name]["depends_on"]


def test_every_port_is_bound_to_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) >= 3
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_every_service_is_of_a_fixed_version_and_has_bounded_logs_and_memory() -> None:
    own = {"triggerfish"}
    for name, service in SERVICES.items():
        image = service["image"]
        assert image in own or ":" in image.rpartition("/")[2], name
        assert "logging" in service, name
        assert "mem_limit" in service or name in ("postgres", "elasticmq"), name


def test_prometheus_scrapes_the_gateway_and_grafana_reads_prometheus() -> None:
    scrape = yaml.safe_load((ROOT / "infra/prometheus/prometheus.yml").read_text())
    (target,) = scrape["scrape_configs"][0]["static_configs"][0]["targets"]
    host, port = target.split(":")
    assert SERVICES[host]["command"][-2:] == ["--port", port]
    provisioning = ROOT / "infra/grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load((provisioning / "dashboards/triggerfish.yml").read_text())[
        "providers"
    ]
    mounted = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]]
    assert f"{provider['options']['path']}/triggerfish.json" in mounted
