"""GraphQL documents are measured in linear time, before validation expands their fragments."""

import time

import pytest
from graphql import GraphQLError, get_introspection_query, parse

from triggerfish.edge.graphql_limits import MAX_FIELDS, check_document
from triggerfish.edge.job_graphql import SCHEMA

HELD_SECONDS = 0.1


def doubling(levels: int) -> str:
    """Each fragment spreads the next one twice."""
    links = (f"fragment f{n} on Job {{ ...f{n + 1} ...f{n + 1} }}" for n in range(levels))
    return f'{{ job(id: "x") {{ ...f0 }} }} {" ".join(links)} fragment f{levels} on Job {{ id }}'


REFUSED = {
    "fragments that double 30 times": (doubling(30), "fields"),
    "the same, never spread": (doubling(30).partition("} }")[2] + " { __typename }", "fields"),
    "fragments that double aliases": (doubling(4).replace("{ id }", "{ a: id }"), "aliases"),
    "a fragment that holds itself": (
        "{ job(id: 1) { ...a } } fragment a on Job { ...b } fragment b on Job { ...a }",
        "itself",
    ),
    "depth by fragments": (
        '{ job(id: "x") { ...a } } fragment a on Job { errors { ...b } }'
        " fragment b on JobErrorPage { data { line { a { b } } } }",
        "depth",
    ),
}
ACCEPTED = {
    "introspection": get_introspection_query(),
    "the same field very often": '{ job(id: "x") { ' + "id " * (MAX_FIELDS - 1) + "} }",
    "as many lists": '{ job(id: "x") { ' + "errors { nextCursor } " * 99 + "} }",
    "unknown names": "{ " + " ".join(f"jo{n}" for n in range(MAX_FIELDS)) + " }",
    "a long unknown name": "{ " + "job" * 5000 + " }",
    "nested inline fragments": '{ job(id: "x") { ' + "... { " * 150 + "id" + " }" * 152,
    "introspection by every alias": "{ "
    + " ".join(
        f"a{n}: __schema {{ types {{ name fields {{ name type {{ name fields {{ name }} }} }} }} }}"
        for n in range(10)
    )
    + " }",
}


@pytest.mark.attack("GraphQL: depth, aliases, tokens, batches, other tenants")
@pytest.mark.parametrize("name", REFUSED)
def test_a_document_that_expands_too_far_is_refused_at_once(name: str) -> None:
    query, said = REFUSED[name]
    document = parse(query)
    began = time.thread_time()
    with pytest.raises(GraphQLError, match=said):
        check_document(document)
    assert time.thread_time() - began < HELD_SECONDS / 10


@pytest.mark.attack("GraphQL: depth, aliases, tokens, batches, other tenants")
@pytest.mark.parametrize("name", [*REFUSED, *ACCEPTED])
async def test_no_document_holds_the_loop(name: str) -> None:
    query = ACCEPTED[name] if name in ACCEPTED else REFUSED[name][0]
    check = check_document if name in ACCEPTED else lambda _: None
    check(parse(query))
    spent = []
    for _ in range(3):
        began = time.thread_time()
        await SCHEMA.execute(query)
        spent.append(time.thread_time() - began)
    assert min(spent) < HELD_SECONDS
