"""The peers, one file each."""

from tests.league.peers.apscheduler import APScheduler
from tests.league.peers.base import Peer
from tests.league.peers.celery import Celery, CeleryLate
from tests.league.peers.dbos import DBOS
from tests.league.peers.nats import Nats
from tests.league.peers.pgqueuer import PgQueuer
from tests.league.peers.procrastinate import Procrastinate
from tests.league.peers.restate import Restate
from tests.league.peers.river import River
from tests.league.peers.temporal import Temporal
from tests.league.peers.triggerfish import Triggerfish

PEERS: dict[str, type[Peer]] = {
    "triggerfish": Triggerfish,
    "river": River,
    "celery": Celery,
    "celery-late": CeleryLate,
    "nats": Nats,
    "restate": Restate,
    "temporal": Temporal,
    "dbos": DBOS,
    "procrastinate": Procrastinate,
    "pgqueuer": PgQueuer,
    "apscheduler": APScheduler,
}
