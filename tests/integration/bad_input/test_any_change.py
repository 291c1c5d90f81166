"""A search over changes and previews: none is our own error, and a refused one changes nothing."""

import json
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.bad_input.table import API, SCHEDULED
from tests.integration.bad_input.test_any_input import FIELDS, JSON
from tests.integration.lanes import Api, assert_refused, post_json

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRIGGERS = "/api/v1/triggers"
PREVIEW = "/api/v1/schedules/preview"
SEARCH = settings(
    max_examples=60,  # in each lane
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CHANGES = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4)
ZONES = st.sampled_from(["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"])
TIMES = st.sampled_from(["0001-01-01T00:00:00Z", "2027-03-28T00:59:59Z", "9998-12-31T23:59:59Z"])
SCHEDULES = st.one_of(
    JSON,
    st.fixed_dictionaries({"at": TIMES}),
    st.fixed_dictionaries(
        {"every": st.sampled_from(["1s", "PT1H", "3650d"])},
        optional={"start_at": TIMES, "end_at": TIMES, "jitter_seconds": st.integers(0, 3600)},
    ),
    st.fixed_dictionaries(
        {
            "cron": st.sampled_from(["* * * * *", "30 2 * * *", "0 0 29 2 *", "0 0 30 2 *"]),
            "timezone": ZONES,
        },
        optional={"start_at": TIMES, "end_at": TIMES, "max_fires": st.integers(1, 200)},
    ),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def paths(api: Api) -> list[str]:
    """One trigger of each type."""
    created = [await api.create(SCHEDULED), await api.create(API)]
    return [f"{TRIGGERS}/{trigger['id']}" for trigger in created]


@SEARCH
@given(body=CHANGES.map(lambda changes: changes | {"unknown": 1}) | st.lists(JSON, max_size=3))
async def test_no_edit_is_our_error(api: Api, paths: list[str], body: Any) -> None:
    for path in paths:
        before = await api.get(path)
        answer = await api.http.patch(path, json=body)
        assert_refused(answer, 400)
        assert await api.get(path) == before


@SEARCH
@given(schedule=SCHEDULES, count=st.integers(1, 100))
async def test_no_preview_is_our_error(api: Api, schedule: Any, count: int) -> None:
    answer = await post_json(api.http, PREVIEW, json.dumps({"schedule": schedule, "count": count}))
    if answer.status_code == 200:
        assert 1 <= len(answer.json()["data"]) <= count
    else:
        assert_refused(answer, 400)


@SEARCH
@given(body=JSON, query=st.dictionaries(st.sampled_from(["count", "limit", "x"]), st.text()))
async def test_nothing_below_a_trigger_is_our_error(
    api: Api, paths: list[str], body: Any, query: dict[str, str]
) -> None:
    wrong = body | {"unknown": 1} if isinstance(body, dict) else [body]
    for path in paths:
        assert_refused(await api.http.post(f"{path}/rotate-url", json=wrong), 400)
        for noun in ("next-fires", "revisions"):
            answer = await api.http.get(f"{path}/{noun}", params=query)
            if answer.status_code != 200:
                assert_refused(answer, 400)
