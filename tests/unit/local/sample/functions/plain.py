"""A function without any framework; `name` chooses how it behaves."""

import time
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    name = event.get("pathParameters", {}).get("name") or event.get("name")
    print(f"called by {name}")
    if name == "fail":
        raise ValueError("it was told to")
    if name == "late":
        time.sleep(1.5)
    if name == "unspeakable":
        return {1, 2}
    return {"name": name, "function": context.function_name, "event": event}
