"""Endpoints as tests write them: parsed, or refused by the names of their fields."""

import pytest

from triggerfish.domain.endpoint import Endpoint, parse_endpoint
from triggerfish.domain.errors import InvalidInput

URL = "https://example.com/hook"


def endpoint(**changes: object) -> Endpoint:
    return parse_endpoint({"url": URL} | changes)


def wrong_fields(raw: object) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parse_endpoint(raw)
    return [detail.field for detail in caught.value.details]
