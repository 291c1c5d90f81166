"""Whether a service that was started is ready: what listens, what `/health` says of components."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Collection

PROBE_SECONDS = 2.0


def accepts(host: str, port: int) -> Callable[[], bool]:
    """A probe that holds when something listens there."""

    def probe() -> bool:
        try:
            with socket.create_connection((host, port), timeout=PROBE_SECONDS):
                return True
        except OSError:
            return False

    return probe


def components_are_up(health_url: str, names: Collection[str]) -> Callable[[], bool]:
    """A probe that holds when the health page has every one of these components up."""

    def probe() -> bool:
        components = _components(health_url)
        return all(components.get(name, {}).get("status") == "up" for name in names)

    return probe


def _components(health_url: str) -> dict[str, dict[str, str]]:
    """What the page says, up or down (503); nothing when it does not answer as a platform does."""
    try:
        try:
            with urllib.request.urlopen(health_url, timeout=PROBE_SECONDS) as answer:
                body = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                body = json.load(error)
    except (OSError, ValueError):  # refused, reset, timed out; no JSON
        return {}
    components = body.get("components") if isinstance(body, dict) else None
    return components if isinstance(components, dict) else {}
