"""The fixture `sqs`: every case runs against every backend, and fails where DIFFERENCES says."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.contract.sqs.backends import Sqs, broker_process, elasticmq_url, moto_sqs, sqs_at
from tests.contract.sqs.differences import DIFFERENCES

DISAGREEMENTS = (
    AssertionError,
    ClientError,
    KeyError,
    NotImplementedError,  # moto, in process
    ValueError,  # moto, in process
    pytest.fail.Exception,  # something was not refused
)
MARKS = {"elasticmq": [pytest.mark.elasticmq]}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    case = metafunc.function.__name__.removeprefix("test_")
    params = []
    for backend, differences in DIFFERENCES.items():
        marks = list(MARKS.get(backend, []))
        if case in differences:
            difference = differences[case]
            marks.append(
                pytest.mark.xfail(
                    reason=f"{backend} {difference}",
                    strict=True,
                    raises=DISAGREEMENTS,
                )
            )
        params.append(pytest.param(backend, marks=marks))
    if "sqs" in metafunc.fixturenames:
        metafunc.parametrize("sqs", params, indirect=True)


@pytest.fixture(scope="session")
def broker() -> Iterator[Sqs]:
    with broker_process() as (url, _), sqs_at(url) as sqs:
        yield sqs


@pytest.fixture
def sqs(request: pytest.FixtureRequest) -> Iterator[Sqs]:
    match request.param:
        case "broker":
            yield request.getfixturevalue("broker")
        case "moto":
            with moto_sqs() as sqs:
                yield sqs
        case "elasticmq":
            with sqs_at(elasticmq_url()) as sqs:
                yield sqs
