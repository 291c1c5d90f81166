"""Create and list the platform's projects."""

from dataclasses import dataclass
from typing import Protocol

from triggerfish.domain.access import PLATFORM_SCOPES, PROJECT_SCOPES, hash_secret
from triggerfish.domain.api_key import ApiKey, NewKey, parse_new_key
from triggerfish.domain.errors import Conflict, FieldError, InvalidInput, NotFound
from triggerfish.domain.page import Page, Place, cut, decode_cursor
from triggerfish.domain.project import DEFAULT_PROJECT, Project, parse_project
from triggerfish.ports import Clock, Ids
from triggerfish.usecases.manage_keys import IssuedKey, KeyStore, issue

FIRST_KEY_NAME = "first key"


class ProjectStore(Protocol):
    async def insert(self, project: Project, key: ApiKey, *, key_hash: bytes) -> bool:
        """Store a project and its first key, both or neither; False when the name is taken."""
        ...

    async def find(self, name: str) -> Project | None: ...

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


async def issue_key(
    project_name: str, raw: object, d: ManageProjectsDeps, keys: KeyStore
) -> IssuedKey:
    """A key for a project, as its operator wants it: no key of the project has a say.

    Raises NotFound, and InvalidInput that names every wrong field.
    """
    now = d.clock.now()
    wanted = parse_new_key(raw, now=now)
    if project_name != DEFAULT_PROJECT and not set(wanted.scopes) <= set(PROJECT_SCOPES):
        beyond = f"{', '.join(PLATFORM_SCOPES)} are for keys of the project {DEFAULT_PROJECT} only"
        raise InvalidInput("The API key is not valid.", (FieldError("scopes", beyond),))
    project = await d.projects.find(project_name)
    if project is None:
        raise NotFound(f"There is no project {project_name!r}.")
    issued = issue(wanted, project.id, now=now, ids=d.ids)
    await keys.insert(issued.key, key_hash=hash_secret(issued.secret))
    return issued


async def list_projects(d: ManageProjectsDeps, *, limit: int, cursor: str | None) -> Page[Project]:
    """All of the platform, newest first. Raises InvalidInput for a cursor that is not ours."""
    found = await d.projects.page(before=decode_cursor(cursor), limit=limit + 1)
    return cut([(project.created_at, project.id, project) for project in found], limit)
