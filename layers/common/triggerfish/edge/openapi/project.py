"""Projects: the tenants, made by who runs the platform."""

from triggerfish.edge.openapi.api_key import ISSUED, NAME, NOT_KEPT
from triggerfish.edge.openapi.operation import Answer, Body, Refusal, operation
from triggerfish.edge.openapi.schema import ID, TEXT, TIME, Schema, closed, page_of, ref

TAG = "Projects"
_PROJECT: dict[str, Schema] = {"id": ID, "name": TEXT, "created_at": TIME}

SCHEMAS: dict[str, Schema] = {
    "NewProject": closed({"name": NAME}),
    "Project": closed(_PROJECT),
    "ProjectPage": page_of("Project"),
    "CreatedProject": closed(_PROJECT | {"first_key": ref("IssuedApiKey")}),
}

PROJECT = {
    "id": "01a20372-2184-74e2-a14b-0436f0db3a11",
    "name": "acme",
    "created_at": "2026-11-22T13:29:01.060318Z",
}

create = operation(
    "createProject",
    TAG,
    "Create a project",
    {
        201: Answer(
            "The project with the key that administers it, shown this once.",
            ref("CreatedProject"),
            {"Created": PROJECT | {"first_key": ISSUED}},
            NOT_KEPT,
        )
    },
    body=Body(
        ref("NewProject"),
        {"A tenant": {"name": "acme"}},
        "The project is not valid.",
        {"name": "must be a text that is not empty"},
    ),
    refusals=(Refusal(409, "There is a project of that name."),),
    keyed=True,
)
list_ = operation(
    "listProjects",
    TAG,
    "List projects, newest first",
    {
        200: Answer(
            "A page of projects.",
            ref("ProjectPage"),
            {"The last page": {"data": [PROJECT], "next_cursor": None}},
        )
    },
)
