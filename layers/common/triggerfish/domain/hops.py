"""How many triggers led to an event: one that delivers to itself must come to an end.

Every delivery says how far it is along its chain; a webhook call that says so makes an event one
further. The event that would go too far is not delivered, and its log says why.
"""

from collections.abc import Mapping

from triggerfish.domain.exchange import SendFailure

HEADER = "triggerfish-hops"
MAX_HOPS = 8
LOOP_DETECTED = "loop_detected"


def hops_of(headers: Mapping[str, str]) -> int:
    """How many triggers led to a call, by its headers; what cannot be read counts as none."""
    text = headers.get(HEADER, "")
    is_number = text.isascii() and text.isdecimal() and len(text) <= 3
    return min(int(text), MAX_HOPS) if is_number else 0


def hop_headers(hops: int) -> dict[str, str]:
    """What the delivery of an event with so many triggers before it says."""
    return {HEADER: str(hops + 1)}


def refusal(hops: int) -> SendFailure | None:
    """Why an event with so many triggers before it is not delivered; None if it is."""
    if hops < MAX_HOPS:
        return None
    return SendFailure(
        LOOP_DETECTED,
        f"The event is the last of a chain of {MAX_HOPS + 1} triggers, each of which was fired by "
        "the delivery before it. Change an endpoint so that the chain ends.",
    )
