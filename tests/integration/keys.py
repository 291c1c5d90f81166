"""Keys put into the database by hand, with any scopes and for any project."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from tests.integration.lanes import Api
from triggerfish.domain.access import hash_secret, key_prefix


def an_api_key(api: Api, key: str, *scopes: str, **columns: Any) -> dict[str, str]:
    """Store a key; of a project of its own unless `project_id` says otherwise. Its header."""
    project = columns.pop("project_id", None)
    if project is None:
        project = uuid4()
        api.sql("INSERT INTO projects VALUES (%s, %s, now())", project, f"another {project}")
    values = {
        "id": uuid4(),
        "project_id": project,
        "name": "test",
        "prefix": key_prefix(key),
        "key_hash": hash_secret(key),
        "scopes": list(scopes),
        "created_at": datetime.now(UTC),
    } | columns
    places = ", ".join(["%s"] * len(values))
    api.sql(f"INSERT INTO api_keys ({', '.join(values)}) VALUES ({places})", *values.values())
    return {"authorization": f"Bearer {key}"}


def own_project(api: Api) -> UUID:
    [(project,)] = api.sql("SELECT id FROM projects WHERE name = 'default'")
    return UUID(str(project))


def bearer(created: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {created['key']}"}
