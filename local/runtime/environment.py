"""What functions find in os.environ: the template's variables, and a local SQS for boto3."""

import gc
import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from local.runtime.model import Template
from local.runtime.names import REGION
from local.runtime.template import load

SQS_ENDPOINT = "AWS_ENDPOINT_URL_SQS"  # boto3's own name for it
DEFAULT_SQS_ENDPOINT = "http://127.0.0.1:9324"
_DUMMY_KEY = "local"
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)
_COLLECT_AFTER = 20_000  # new objects; the default of 700 is made for small programs


def prepare_process(path: Path) -> Template:
    """Load the template for this process and make os.environ what its functions expect.

    Raises TemplateError.
    """
    endpoint = os.environ.get(SQS_ENDPOINT) or DEFAULT_SQS_ENDPOINT
    template = load(path, sqs_endpoint=endpoint, environ=os.environ)
    os.environ[SQS_ENDPOINT] = endpoint
    apply_environment(template, os.environ)
    return template


def apply_environment(template: Template, environ: MutableMapping[str, str]) -> None:
    """Merge the template's variables into `environ`.

    Non-empty process variables won already when it was loaded.

    Raises TemplateError when two functions want different values: they share this process.
    """
    environ.update(template.environment())
    environ.setdefault("AWS_DEFAULT_REGION", REGION)
    if has_credentials(environ):
        return
    environ["AWS_ACCESS_KEY_ID"] = environ["AWS_SECRET_ACCESS_KEY"] = _DUMMY_KEY


def has_credentials(environ: Mapping[str, str]) -> bool:
    """Whether boto3 finds the operator's own credentials here; ours would go before them.

    In Kubernetes and on ECS they are a token file or an address to ask.
    """
    return any(environ.get(name) for name in _CREDENTIALS)


def freeze_imports() -> None:
    """Take what the imports left out of the garbage collector's sight, once all is loaded.

    Otherwise every full collection walks over all modules, which a busy process notices.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
