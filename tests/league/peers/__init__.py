"""The peers, one file each."""

from tests.league.peers.base import Peer
from tests.league.peers.celery import Celery, CeleryLate
from tests.league.peers.river import River
from tests.league.peers.triggerfish import Triggerfish

PEERS: dict[str, type[Peer]] = {
    "triggerfish": Triggerfish,
    "river": River,
    "celery": Celery,
    "celery-late": CeleryLate,
}
