"""Runs the packaged functions as Lambda does: under its own runtime client, each a process.

A process sees the standard library, the function's folder, the layer and the client; nothing else.
"""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from infra.package import build
from local.runtime.http_events import http_event
from local.runtime.model import Function
from tests.integration.aws.aws_endpoints import RuntimeApi

AUTHORITIES = "-----BEGIN CERTIFICATE-----"
CLIENT = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")
START = """
import runpy, sys
sys.path += {path!r}
sys.argv = ["awslambdaric", {handler!r}]
runpy.run_module("awslambdaric", run_name="__main__")
"""


def make_package(out: Path) -> Path:
    """The layer's folder for this machine and this Python; on Lambda it is /opt."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    authorities = out / "authorities.pem"
    authorities.parent.mkdir(parents=True, exist_ok=True)
    authorities.write_text(AUTHORITIES)
    build(out, python=version, machine=platform.machine(), database_ca=authorities)
    return out / "layer"


def copy_client(target: Path) -> Path:
    """Lambda's runtime client alone; on Lambda it is in /var/runtime."""
    target.mkdir()
    for name in CLIENT:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (target / source.name).symlink_to(source)
    return target


class Container:
    """One function's process; it starts at the first invocation's expense, as on Lambda."""

    def __init__(
        self, function: Function, task: Path, path: list[Path], environment: Mapping[str, str]
    ) -> None:
        self.api = RuntimeApi(function.name)
        handler = f"{function.module.rpartition('.')[2]}.{function.attribute}"
        text = START.format(path=[str(task), *map(str, path)], handler=handler)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", text],
            cwd=task,
            env={
                **environment,
                "AWS_LAMBDA_RUNTIME_API": self.api.address,
                "AWS_LAMBDA_FUNCTION_NAME": function.name,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
                "LAMBDA_TASK_ROOT": str(task),
                "TZ": ":UTC",
            },
            stdout=subprocess.DEVNULL,
        )
        threading.Thread(target=lambda: self.api.died(self._process.wait()), daemon=True).start()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self.api.close()


class LambdaHost:
    """The functions of a template by name, each started when it is first invoked."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        workspace: Path,
        path: list[Path],
        environment: Mapping[str, str],
    ) -> None:
        self.functions = functions
        self._workspace = workspace
        self._path = path
        self._environment = environment
        self._containers: dict[str, Container] = {}

    def invoke(self, name: str, event: Any) -> Any:
        if name not in self._containers:
            function = self.functions[name]
            task = self._workspace / name
            folder = function.root / Path(*function.module.split(".")[:-1])
            shutil.copytree(folder, task, ignore=shutil.ignore_patterns("__pycache__"))
            environment = {**self._environment, "AWS_ACCESS_KEY_ID": name}
            self._containers[name] = Container(function, task, self._path, environment)
        return self._containers[name].api.invoke(event)

    def http(self, name: str, request: httpx.Request) -> tuple[int, str]:
        """Status and body of the function's answer to a request, as API Gateway makes it an event."""
        answer = self.invoke(name, gateway_event(request))
        return answer["statusCode"], answer["body"]

    def close(self) -> None:
        for container in self._containers.values():
            container.close()


def gateway_event(request: httpx.Request) -> dict[str, Any]:
    scope = {
        "method": request.method,
        "path": request.url.path,
        "query_string": request.url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("203.0.113.7", 40000),
        "http_version": "1.1",
    }
    return http_event(
        scope,
        request.read(),
        route=(request.method, request.url.path),
        request_id="JKJaXmPLvHcESHA=",
        at=datetime.now(UTC),
    )


def lambda_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """What Lambda itself sets, and the function's variables on top."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "en_US.UTF-8",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/triggerfish/functions",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/03/02/[$LATEST]0",
        **variables,
    }
