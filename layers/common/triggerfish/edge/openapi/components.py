"""Every noun's schemas and tag in one map each."""

from importlib import import_module

from triggerfish.edge.openapi.schema import Schema

# The files of this folder that describe a noun, and what the noun's tag says; None: it has none.
NOUNS = {
    "trigger": "What fires, when, and where to.",
    "schedule": "When a scheduled trigger fires.",
    "test_run": "Fire once, marked as a test.",
    "webhook": "The calls that fire API triggers, and the deliveries that we send.",
    "event_log": "What fired, and what came of it: active for 2 h, archived for 46 h more.",
    "api_key": "Who may do what in a project.",
    "project": "Tenants; for who runs the platform.",
    "job": "Log files, imported in bulk and watched live.",
    "catalogue": "Ticketed events: managed by a team, read by everybody.",
    "observation": "How the platform is.",
    "api_docs": "This description.",
    "disabled_trigger": None,
    "endpoint": None,
    "errors": None,
    "replay": None,
    "retry": None,
    "signing_secret": None,
    "trigger_batch": None,
    "trigger_inspection": None,
    "verification": None,
    "webhook_url": None,
}
_FILES = {name: import_module(f"{__package__}.{name}") for name in sorted(NOUNS)}

SCHEMAS: dict[str, Schema] = {
    name: schema
    for file in _FILES.values()
    for name, schema in sorted(getattr(file, "SCHEMAS", {}).items())
}
TAGS: dict[str, str] = {_FILES[name].TAG: text for name, text in NOUNS.items() if text}
