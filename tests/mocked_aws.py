"""AWS as moto mocks it: for boto3 inside this process, for other clients over real HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import boto3
import botocore.session
from botocore.loaders import create_loader
from moto import mock_aws
from moto.server import ThreadedMotoServer

_LOADER = create_loader()


@contextmanager
def mocked_aws() -> Iterator[None]:
    """An empty AWS, and a session of its own for clients that are made while the block lasts.

    Without the shared loader every session reads some megabytes of JSON anew, 80 ms a test.
    """
    with mock_aws():
        session = botocore.session.Session()
        session.register_component("data_loader", _LOADER)
        boto3.setup_default_session(botocore_session=session)
        yield


@cache
def aws_endpoint() -> str:
    """The URL of a server, one a process, that shows what `mocked_aws` holds at the moment."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    return f"http://127.0.0.1:{port}"
