"""Create and list the platform's projects."""

from dataclasses import dataclass
from typing import Protocol

from triggerfish.domain.access import PROJECT_SCOPES, hash_secret
from triggerfish.domain.api_key import ApiKey, NewKey
from triggerfish.domain.errors import Conflict
from triggerfish.domain.page import Page, Place, cut, decode_cursor
from triggerfish.domain.project import Project, parse_project
from triggerfish.ports import Clock, Ids
from triggerfish.usecases.manage_keys import IssuedKey, issue

FIRST_KEY_NAME = "first key"


class ProjectStore(Protocol):
    async def insert(self, project: Project, key: ApiKey, *, key_hash: bytes) -> bool:
        """Store a project and its first key, both or neither; False when the name is taken."""
        ...

    async def page(self, *, before: Place | None, limit: int) -> list[Project]: ...


@dataclass(frozen=True, slots=True)
class ManageProjectsDeps:
    clock: Clock
    ids: Ids
    projects: ProjectStore


@dataclass(frozen=True, slots=True)
class NewProject:
    project: Project
    first_key: IssuedKey


async def create_project(raw: object, d: ManageProjectsDeps) -> NewProject:
    """A project and the key that administers it. Raises InvalidInput, Conflict for a taken name."""
    now = d.clock.now()
    project = Project(d.ids.uuid7(now), parse_project(raw), now)
    first = issue(NewKey(FIRST_KEY_NAME, PROJECT_SCOPES, None), project.id, now=now, ids=d.ids)
    if not await d.projects.insert(project, first.key, key_hash=hash_secret(first.secret)):
        raise Conflict("There is a project of that name.")
    return NewProject(project, first)


async def list_projects(d: ManageProjectsDeps, *, limit: int, cursor: str | None) -> Page[Project]:
    """All of the platform, newest first. Raises InvalidInput for a cursor that is not ours."""
    found = await d.projects.page(before=decode_cursor(cursor), limit=limit + 1)
    return cut([(project.created_at, project.id, project) for project in found], limit)
