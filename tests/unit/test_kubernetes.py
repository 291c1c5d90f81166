"""The manifests for Kubernetes are valid, agree with each other and with the code they run."""

import ipaddress
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer
import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject, TriggerAuthentication

from local.cli.main import app
from local.runtime.template import load
from tests.unit.test_docs import table_names

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infra/kubernetes"
KEDA = {"ScaledObject": ScaledObject, "TriggerAuthentication": TriggerAuthentication}
KUBERNETES = "1.37"
PODS = {"gateway", "worker", "scheduler", "migrate", "retention"}

Manifest = dict[str, Any]


@cache
def kustomization() -> Manifest:
    found: Manifest = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    return found


@cache
def manifests() -> list[Manifest]:
    files = (FOLDER / name for name in kustomization()["resources"])
    return [manifest for file in files for manifest in yaml.safe_load_all(file.read_text())]


def of_kind(*kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests() if manifest["kind"] in kinds]


def named(kind: str, name: str) -> Manifest:
    (found,) = [manifest for manifest in of_kind(kind) if manifest["metadata"]["name"] == name]
    return found


def pods() -> dict[str, Manifest]:
    """Workload's name → its pod template."""
    found = {m["metadata"]["name"]: m["spec"]["template"] for m in of_kind("Deployment", "Job")}
    for job in of_kind("CronJob"):
        found[job["metadata"]["name"]] = job["spec"]["jobTemplate"]["spec"]["template"]
    return found


def containers() -> Iterator[tuple[str, Manifest]]:
    for name, pod in pods().items():
        for container in pod["spec"]["containers"]:
            yield name, container


def test_every_manifest_in_the_folder_is_applied() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")}
    assert {*kustomization()["resources"], "kustomization.yaml"} == files
    assert set(pods()) == PODS


@pytest.mark.parametrize(
    "manifest", manifests(), ids=lambda m: f"{m['kind']}-{m['metadata']['name']}"
)
def test_a_manifest_has_no_field_that_kubernetes_or_keda_does_not_know(manifest: Manifest) -> None:
    if model := KEDA.get(manifest["kind"]):
        read = model.model_validate(manifest)
        kept = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
        assert kept == manifest, "the model drops what it does not know"
    else:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_an_unknown_field_is_noticed() -> None:
    wrong = {**named("Deployment", "worker"), "spec": {"replica": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


def test_every_container_runs_the_one_image_at_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    (image,) = kustomization()["images"]
    assert (image["name"], image["newTag"]) == ("triggerfish", version)
    assert {container["image"] for _, container in containers()} == {"triggerfish"}


@pytest.mark.parametrize(("name", "container"), list(containers()))
def test_a_command_is_one_that_the_command_line_understands(name: str, container: Manifest) -> None:
    program, command, *arguments = container["command"]
    group = typer.main.get_command(app)
    assert program == "triggerfish"
    group.commands[command].make_context(command, arguments)  # type: ignore[attr-defined]


def test_variables_are_documented_settings_and_every_reference_is_made() -> None:
    known = {*table_names("docs/configuration.md"), "AWS_DEFAULT_REGION"}
    (config,) = of_kind("ConfigMap")
    assert set(config["data"]) <= known
    for name, container in containers():
        sources = [source[key]["name"] for source in container["envFrom"] for key in source]
        expected = ["triggerfish", "triggerfish"]
        assert sources == expected + ["triggerfish-first-key"] * (name == "migrate")


@pytest.mark.attack("secrets: the first key and the encryption key")
def test_no_pod_starts_without_an_encryption_key() -> None:
    for name, container in containers():
        (variable,) = container["env"]
        assert variable["name"] == "TRIGGERFISH_ENCRYPTION_KEYS", name
        assert variable["valueFrom"]["secretKeyRef"]["key"] == variable["name"]
        assert not variable["valueFrom"]["secretKeyRef"].get("optional")


def test_the_queue_is_the_templates_and_the_same_everywhere() -> None:
    (config,) = of_kind("ConfigMap")
    url = config["data"]["TRIGGERFISH_DELIVERIES_QUEUE_URL"]
    imports = config["data"]["TRIGGERFISH_IMPORTS_QUEUE_URL"]
    scaled_by = [one["metadata"] for one in named("ScaledObject", "worker")["spec"]["triggers"]]
    assert [one["queueURL"] for one in scaled_by] == [url, imports]
    assert {one["awsRegion"] for one in scaled_by} == {config["data"]["AWS_DEFAULT_REGION"]}
    queues = load(ROOT / "infra/template.yaml", sqs_endpoint="", environ={}).queues
    addresses = [
        value for name, value in config["data"].items() if name.endswith(("_QUEUE_URL", "_DLQ_URL"))
    ]
    assert {address.rpartition("/")[2] for address in addresses} == set(queues)


@pytest.mark.parametrize("name", sorted(PODS))
def test_a_pod_can_do_little_beyond_its_work(name: str) -> None:
    spec = pods()[name]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert (
        f"USER {spec['securityContext']['runAsUser']}:" in (ROOT / "infra/Dockerfile").read_text()
    )
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", ["gateway", "worker", "scheduler"])
def test_what_runs_on_is_probed(name: str) -> None:
    for container in pods()[name]["spec"]["containers"]:
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)


def test_selectors_match_labels() -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pods().items()}
    for deployment in of_kind("Deployment"):
        name = deployment["metadata"]["name"]
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels[name].items()
    for budget in of_kind("PodDisruptionBudget"):
        wanted = budget["spec"]["selector"]["matchLabels"]
        assert wanted == labels[budget["metadata"]["name"]]
    (service,) = of_kind("Service")
    assert service["spec"]["selector"] == labels["gateway"]
    for scaler in of_kind("HorizontalPodAutoscaler", "ScaledObject"):
        target = named("Deployment", scaler["spec"]["scaleTargetRef"]["name"])
        assert "replicas" not in target["spec"], "two would set the number of replicas"


def test_there_is_one_scheduler_and_no_schedule_runs_twice() -> None:
    scheduler = named("Deployment", "scheduler")["spec"]
    assert (scheduler["replicas"], scheduler["strategy"]) == (1, {"type": "Recreate"})
    assert named("CronJob", "retention")["spec"]["concurrencyPolicy"] == "Forbid"
    command = pods()["scheduler"]["spec"]["containers"][0]["command"]
    cron = pods()["retention"]["spec"]["containers"][0]["command"]
    functions = load(ROOT / "infra/template.yaml", sqs_endpoint="", environ={}).functions
    scheduled = sorted(name for name, function in functions.items() if function.schedules)
    options = [name for name in command[2:] if name != "--function"]
    assert sorted([*options, *cron[2:]]) == scheduled


def allowed(component: str) -> Iterator[tuple[str, list[str], list[Any]]]:
    """(network, its exceptions, ports) that a component may send to; no ports are all of them."""
    for policy in of_kind("NetworkPolicy"):
        if not selects(policy["spec"]["podSelector"], pods()[component]["metadata"]["labels"]):
            continue
        for rule in policy["spec"].get("egress", []):
            ports = [port["port"] for port in rule.get("ports", [])]
            for peer in rule["to"]:
                if block := peer.get("ipBlock"):
                    yield block["cidr"], block.get("except", []), ports


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    return all(
        labels.get(name) == value for name, value in selector.get("matchLabels", {}).items()
    ) and all(
        labels.get(rule["key"]) in rule["values"] for rule in selector.get("matchExpressions", [])
    )


@pytest.mark.parametrize("component", sorted(PODS))
def test_nobody_reaches_a_private_network_but_postgres_in_the_databases(component: str) -> None:
    assert named("NetworkPolicy", "nothing-by-default")["spec"]["policyTypes"] == [
        "Ingress",
        "Egress",
    ]
    private = [
        ipaddress.IPv4Network(text)
        for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
    ]
    reached = []
    for network, exceptions, ports in allowed(component):
        if ":" in network:
            assert {"fc00::/7", "fe80::/10"} <= set(exceptions)
            continue
        whole = ipaddress.IPv4Network(network)
        holes = [ipaddress.IPv4Network(text) for text in exceptions]
        for block in private:
            if whole.overlaps(block) and not any(block.subnet_of(hole) for hole in holes):
                reached.append(ports)
    assert reached == [[5432]]


def test_only_workers_reach_any_port_of_the_internet() -> None:
    everywhere = {
        component: [ports for network, _, ports in allowed(component) if network == "0.0.0.0/0"]
        for component in PODS
    }
    assert everywhere == {
        "worker": [[]],
        "gateway": [[443]],
        "scheduler": [[443]],
        "migrate": [],
        "retention": [],
    }
