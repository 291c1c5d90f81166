"""`triggerfish demo`: acts as a customer of the running platform and shows what became of it."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console

from local.cli.client import ApiError, Client, connect
from local.cli.demo_report import event_logs_table, failure_reasons, triggers_table
from local.cli.receiver import ReceiverServer

Url = Annotated[str, typer.Option(help="The platform's URL, if it does not run here.")]
ApiKey = Annotated[str, typer.Option(envvar="TRIGGERFISH_BOOTSTRAP_API_KEY", show_default=False)]
Full = Annotated[bool, typer.Option("--full", help="Wait for a cron firing: up to a minute.")]

SCHEMA = {
    "type": "object",
    "properties": {"order_id": {"type": "integer"}},
}
VALID, INVALID = {"order_id": 42}, {"order_id": "forty-two"}
EVERY_FIRES = 3
PATIENCE_SECONDS = 30.0
CRON_SECONDS = 65.0
POLL_SECONDS = 0.25
FINAL = ("success", "failure")


def demo(url: Url = "", api_key: ApiKey = "", full: Full = False) -> None:
    """Create a trigger of each kind, fire them, verify a signature, show the event logs.

    The receiver listens on this machine's loopback, so the platform must run here too. Ends with
    exit code 1 when anything was not delivered. The triggers are deleted at the end.
    """
    console = Console(highlight=False, soft_wrap=True)
    try:
        with ExitStack() as stack:
            client = stack.enter_context(closing(connect(url, api_key)))
            receiver = stack.enter_context(ReceiverServer())
            run = DemoRun(client, receiver, console, full)
            stack.callback(run.delete_triggers)
            fine = run.play()
    except ApiError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if fine else 1)


@dataclass
class DemoRun:
    """One run of the demo: the triggers it made by their kinds, and what it expects of them."""

    client: Client
    receiver: ReceiverServer
    console: Console
    full: bool
    triggers: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)

    def play(self) -> bool:
        """The whole story; whether everything was delivered and signed as it should be."""
        self.console.print(f"Platform {self.client.url}, receiver {self.receiver.url()}\n")
        self._create_triggers()
        self.console.print(triggers_table(self._trigger_rows()))
        self._fire()
        self.console.print("Waiting for the deliveries …\n", style="bright_black")
        logs = self._wait()
        self.console.print(event_logs_table(logs))
        reasons = failure_reasons([log for _, log in logs])
        for reason in reasons:
            self.console.print(reason, style="red", markup=False)
        complete = len(logs) == sum(self._expected().values())
        return not reasons and complete and self._verify_signature()

    def delete_triggers(self) -> None:
        """Delete what was made; its event logs stay until retention takes them."""
        for trigger in self.triggers.values():
            self.client.delete_trigger(trigger["id"])
        if self.triggers:
            count = len(self.triggers)
            self.console.print(f"Deleted the {count} triggers; their event logs stay.")

    def _create_triggers(self) -> None:
        soon = datetime.now(UTC) + timedelta(seconds=3)
        cron = "* * * * *" if self.full else "0 9 * * MON-FRI"
        schedules: dict[str, dict[str, Any]] = {
            "in": {"in": "2s"},
            "at": {"at": soon.isoformat(timespec="seconds")},
            "every": {"every": "1s", "max_fires": EVERY_FIRES},
            "cron": {"cron": cron, "timezone": "Europe/Berlin"},
        }
        for kind, schedule in schedules.items():
            self._create(kind, type="scheduled", schedule=schedule, payload={"demo": kind})
        self._create("api", type="api", schema=SCHEMA)

    def _create(self, kind: str, **definition: Any) -> None:
        endpoint = {"url": self.receiver.url(f"/{kind}")}
        retry = {"delays_seconds": [1]}
        common = {"name": f"demo {kind}", "endpoint": endpoint, "retry": retry}
        self.triggers[kind] = self.client.create_trigger(common | definition)
        self.asked[kind] = json.dumps(definition.get("schedule") or definition.get("schema"))

    def _trigger_rows(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        return ((kind, self.asked[kind], trigger) for kind, trigger in self.triggers.items())

    def _fire(self) -> None:
        for payload in (VALID, INVALID):
            status, answer = self.client.fire(self.triggers["api"]["webhook_url"], payload)
            details = answer.get("error", {}).get("details", [])
            said = "; ".join(f"{one['field']} {one['message']}" for one in details)
            said = said or f"event {answer.get('event_id')}"
            sent = json.dumps(payload)
            self.console.print(f"POST {sent} to the webhook: {status}, {said}", markup=False)

    def _expected(self) -> dict[str, int]:
        """How many events each kind of trigger is to have."""
        return {"in": 1, "at": 1, "every": EVERY_FIRES, "cron": int(self.full), "api": 1}

    def _wait(self) -> list[tuple[str, dict[str, Any]]]:
        """The event logs with their attempts, once all are final or our patience ends."""
        deadline = time.monotonic() + PATIENCE_SECONDS + CRON_SECONDS * self.full
        waiting = {kind: count for kind, count in self._expected().items() if count}
        while waiting and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            waiting = {kind: n for kind, n in waiting.items() if not self._is_done(kind, n)}
        return [
            (kind, self.client.event_log(log["id"]))
            for kind, trigger in self.triggers.items()
            for log in self.client.event_logs(trigger["id"])
        ]

    def _is_done(self, kind: str, count: int) -> bool:
        logs = self.client.event_logs(self.triggers[kind]["id"])
        return len(logs) >= count and all(log["status"] in FINAL for log in logs)

    def _verify_signature(self) -> bool:
        """Check the API trigger's delivery as its receiver should, by Standard Webhooks."""
        from triggerfish.domain.signing import verify

        secret = self.triggers["api"]["signing_secret"]
        got = self.receiver.wait_for(lambda one: one.path == "/api", timeout_seconds=0)
        if got is None:
            raise ApiError("The log says success, but the receiver got nothing.")
        fine = verify(secret, got.headers, got.body, int(time.time()))
        verdict = "is valid" if fine else "is NOT valid"
        self.console.print(f"Signature of {got.body.decode()} {verdict} (Standard Webhooks).")
        return fine
