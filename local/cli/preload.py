"""What the services of one machine share: imported once, before they are forked."""

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from local.cli.paths import default_template
from local.runtime.intrinsics import TemplateError
from local.runtime.loader import LoadError, load_handler
from local.runtime.template import load


@cache
def preload(template: Path) -> None:
    """Import the runtime, and of our own template the functions.

    Other functions may open connections when they are imported, which forks must not share.
    """
    from local.runtime import gateway, poller, scheduler  # noqa: F401
    from local.services import broker  # noqa: F401

    if template != default_template().absolute():
        return
    with suppress(TemplateError, LoadError):  # the service that needs it says what is wrong
        for function in load(template, sqs_endpoint="", environ=os.environ).functions.values():
            load_handler(function)
