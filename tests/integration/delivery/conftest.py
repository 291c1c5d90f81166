"""The fixture `customer`."""

import pytest

from tests.integration.delivery.customer import Customer
from triggerfish.domain.access import Principal
from triggerfish.wiring import Wiring


@pytest.fixture
def customer(parts: Wiring, caller: Principal) -> Customer:
    return Customer(parts, caller)
