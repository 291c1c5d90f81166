"""The fixture `customer`."""

import pytest

from tests.clock import VirtualClock
from tests.integration.triggers.customer import START, Customer
from triggerfish.domain.access import Principal
from triggerfish.wiring import Wiring


@pytest.fixture
def customer(parts: Wiring, caller: Principal, clock: VirtualClock) -> Customer:
    assert clock.now() == START
    return Customer(parts, caller, clock)
