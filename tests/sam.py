"""What CloudFormation would be asked to create: a SAM template after samtranslator's transform."""

from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

BUCKET = "packaged"


class NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


def packaged(path: Path) -> dict[str, Any]:
    """The template as `sam package` leaves it: code in a bucket, here under its local name."""
    document: dict[str, Any] = yaml_parse(path.read_text())
    for resource in document["Resources"].values():
        for key in {"CodeUri", "ContentUri"} & set(resource.get("Properties", {})):
            local = resource["Properties"][key]
            resource["Properties"][key] = f"s3://{BUCKET}/{local}"
    return document


@cache
def transformed(path: Path) -> dict[str, Any]:
    """The plain CloudFormation template; shared, so leave it as it is. Wants AWS_DEFAULT_REGION."""
    plain: dict[str, Any] = transform(packaged(path), {}, NoManagedPolicies())
    return plain
