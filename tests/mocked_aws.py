"""AWS as moto mocks it, with botocore's descriptions of its services read once a process."""

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import botocore.session
from botocore.loaders import create_loader
from moto import mock_aws

_LOADER = create_loader()


@contextmanager
def mocked_aws() -> Iterator[None]:
    """An empty AWS, and a session of its own for whoever makes clients while the block lasts.

    Without the shared loader every session reads some megabytes of JSON anew, 80 ms a test.
    """
    with mock_aws():
        session = botocore.session.Session()
        session.register_component("data_loader", _LOADER)
        boto3.setup_default_session(botocore_session=session)
        yield
