"""How keys and projects look in the API; a key itself is in the one answer that made it."""

from typing import Any

from triggerfish.domain.api_key import ApiKey
from triggerfish.domain.project import Project
from triggerfish.usecases.manage_keys import IssuedKey, Rotation
from triggerfish.usecases.manage_projects import NewProject

# Answers that show a secret: no cache between us and the customer may keep them.
NOT_KEPT = {"cache-control": "no-store"}


def key_view(key: ApiKey) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "name": key.name,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "replaced_by": str(key.replaced_by) if key.replaced_by else None,
    }


def key_location(issued: IssuedKey) -> dict[str, str]:
    return {"location": f"/api/v1/keys/{issued.key.id}"}


def issued_key_view(issued: IssuedKey) -> dict[str, Any]:
    return key_view(issued.key) | {"key": issued.secret}


def rotation_view(rotation: Rotation) -> dict[str, Any]:
    """The new key, and until when the old one is valid."""
    old = rotation.replaced
    replaces = {"id": str(old.id), "expires_at": old.expires_at}
    return issued_key_view(rotation.issued) | {"replaces": replaces}


def project_view(project: Project) -> dict[str, Any]:
    return {"id": str(project.id), "name": project.name, "created_at": project.created_at}


def new_project_view(new: NewProject) -> dict[str, Any]:
    return project_view(new.project) | {"first_key": issued_key_view(new.first_key)}
