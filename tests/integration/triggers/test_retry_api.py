"""Retry policies at the API: both forms are stored, shown, edited and kept by their revision."""

from tests.factories import an_api_trigger
from tests.integration.lanes import Api, assert_refused

TRIGGERS = "/api/v1/triggers"
RULE = {
    "initial_seconds": 2.0,
    "factor": 3.0,
    "cap_seconds": 900.0,
    "max_attempts": 8,
    "jitter": 0.5,
}


async def test_an_exponential_policy_is_kept_in_its_revision_and_replaced_by_an_edit(
    api: Api,
) -> None:
    body = an_api_trigger("https://example.com/hook", retry={"exponential": RULE})
    trigger = await api.create(body)
    assert trigger["retry"] == {"exponential": RULE}
    path = f"{TRIGGERS}/{trigger['id']}"
    same = await api.http.patch(path, json={"retry": trigger["retry"]})
    assert same.json()["revision"] == 1
    edited = await api.http.patch(path, json={"retry": {"delays_seconds": [1]}})
    assert (edited.json()["revision"], edited.json()["retry"]) == (2, {"delays_seconds": [1.0]})
    revisions = (await api.get(f"{path}/revisions"))["data"]
    assert [one["retry"] for one in revisions] == [{"delays_seconds": [1.0]}, {"exponential": RULE}]


async def test_a_policy_that_cannot_be_is_refused_naming_every_field(api: Api) -> None:
    rule = {"factor": 0, "max_attempts": 1.5, "base": 2}
    body = an_api_trigger("https://example.com/hook", retry={"exponential": rule})
    answer = await api.http.post(TRIGGERS, json=body)
    assert_refused(answer, 400)
    named = [detail["field"] for detail in answer.json()["error"]["details"]]
    assert named == [f"retry.exponential.{name}" for name in ("base", "factor", "max_attempts")]
