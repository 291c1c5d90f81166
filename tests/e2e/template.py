"""The project's template with other queues, for platforms that share a queue service or are in haste."""

import re
from pathlib import Path

DEFAULT = Path(__file__).parents[2] / "infra" / "template.yaml"
QUEUE = "triggerfish-deliveries"
IMPORTS = "triggerfish-imports"
NOTIFICATIONS = "triggerfish-notifications"


def write(folder: Path, *, queues: str, visibility: int | None) -> Path:
    """A copy whose queues are called `queues` (and so on), visible again after `visibility`.

    It stands in `folder`/infra, so that `../functions/tick` still means functions.tick; where the
    code is comes from PYTHONPATH. Seconds; Lambda wants a sixth of them as the function's timeout.
    """
    text = DEFAULT.read_text().replace(QUEUE, queues)
    text = text.replace(IMPORTS, imports(queues))
    text = text.replace(NOTIFICATIONS, notifications(queues))
    if visibility:
        text, found = re.subn(r"VisibilityTimeout: \d+", f"VisibilityTimeout: {visibility}", text)
        assert found == 3
    path = folder / "infra" / DEFAULT.name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def imports(queues: str) -> str:
    """The queue of imports beside the queue of deliveries."""
    return queues.removesuffix("deliveries") + "imports"


def notifications(queues: str) -> str:
    """The queue of the catalogue's notifications beside the queue of deliveries."""
    return queues.removesuffix("deliveries") + "notifications"
