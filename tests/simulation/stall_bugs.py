"""Bugs by which due events are left where nobody looks for them."""

from dataclasses import replace
from math import inf

import pytest

from tests.simulation.bugs import Plant
from triggerfish.domain.delivery import Claim, Claimed
from triggerfish.usecases.courier import LONG_AGO, Courier


def rows_that_others_hold_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A look that found less than it asked for is taken for one that left nothing."""
    noted = Courier._note_look

    def note(self: Courier, claim: Claim, claimed: Claimed) -> None:
        has_more = claimed.has_more and len(claimed.events) == claim.slots
        noted(self, claim, replace(claimed, has_more=has_more))

    patch.setattr(Courier, "_note_look", note)


def a_look_never_goes_back_to_the_oldest(patch: pytest.MonkeyPatch) -> None:
    """It begins where the one before ended, whatever was committed since."""
    noted = Courier._note_look

    def note(self: Courier, claim: Claim, claimed: Claimed) -> None:
        noted(self, replace(claim, since=LONG_AGO), claimed)
        self._since_until = inf

    patch.setattr(Courier, "_note_look", note)


STALL_BUGS: tuple[Plant, ...] = (
    rows_that_others_hold_are_forgotten,
    a_look_never_goes_back_to_the_oldest,
)
