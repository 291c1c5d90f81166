"""Every noun's schemas in one map."""

from triggerfish.edge.openapi import (
    api_docs,
    api_key,
    catalogue,
    disabled_trigger,
    endpoint,
    errors,
    event_log,
    job,
    observation,
    project,
    replay,
    retry,
    schedule,
    signing_secret,
    test_run,
    trigger,
    trigger_inspection,
    verification,
    webhook,
    webhook_url,
)
from triggerfish.edge.openapi.schema import Schema

NOUNS = (
    api_key,
    catalogue,
    disabled_trigger,
    endpoint,
    errors,
    event_log,
    job,
    observation,
    project,
    replay,
    retry,
    schedule,
    signing_secret,
    test_run,
    trigger,
    trigger_inspection,
    verification,
    webhook,
    webhook_url,
)
SCHEMAS: dict[str, Schema] = {
    name: schema for noun in NOUNS for name, schema in sorted(noun.SCHEMAS.items())
}
TAGS = {
    trigger.TAG: "What fires, when, and where to.",
    schedule.TAG: "When a scheduled trigger fires.",
    test_run.TAG: "Fire once, marked as a test.",
    webhook.TAG: "The calls that fire API triggers, and the deliveries that we send.",
    event_log.TAG: "What fired, and what came of it: active for 2 h, archived for 46 h more.",
    api_key.TAG: "Who may do what in a project.",
    project.TAG: "Tenants; for who runs the platform.",
    job.TAG: "Log files, imported in bulk and watched live.",
    catalogue.TAG: "Ticketed events: managed by a team, read by everybody.",
    observation.TAG: "How the platform is.",
    api_docs.TAG: "This description.",
}
