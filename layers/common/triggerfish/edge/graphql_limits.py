"""How much a GraphQL document may ask for, judged right after parsing, in one walk over it.

Validation itself compares the fields that fragments expand to, so a document that expands without
bound must never reach it. A fragment is measured once, however often it is spread.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)
from strawberry.extensions import SchemaExtension

MAX_TOKENS = 500
MAX_DEPTH = 5
MAX_ALIASES = 10
MAX_FIELDS = 300
MAX_NAME = 100


class Size(NamedTuple):
    """What a selection expands to: nested levels, aliases and fields."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0

    def beside(self, other: "Size") -> "Size":
        return Size(
            max(self.depth, other.depth), self.aliases + other.aliases, self.fields + other.fields
        )


@dataclass(slots=True)
class _Fragment:
    definition: FragmentDefinitionNode
    size: Size | None = None
    is_open: bool = False


class DocumentLimits(SchemaExtension):
    """Refuses a document that is too large before it is validated."""

    def on_operation(self) -> Iterator[None]:
        self.execution_context.parse_options["max_tokens"] = MAX_TOKENS
        yield

    def on_parse(self) -> Iterator[None]:
        yield
        document = self.execution_context.graphql_document
        if document is not None:
            try:
                check_document(document)
            except GraphQLError as error:
                self.execution_context.pre_execution_errors = [error]


def check_document(document: DocumentNode) -> None:
    """Raise GraphQLError for a document above a limit, or with a fragment that holds itself."""
    walk = _Walk(document)
    total, written = Size(), 0
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            total = total.beside(walk.selections(definition.selection_set))
        elif isinstance(definition, FragmentDefinitionNode):
            written += walk.fragment(definition.name.value).fields
    _refuse_above("depth", total.depth, MAX_DEPTH)
    _refuse_above("number of aliases", total.aliases, MAX_ALIASES)
    _refuse_above("number of fields, fragments expanded,", max(total.fields, written), MAX_FIELDS)


def _refuse_above(what: str, found: int, limit: int) -> None:
    if found > limit:
        raise GraphQLError(f"The query's {what} must be at most {limit}.")


class _Walk:
    """Sizes of selections; of each fragment only once."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            one.name.value: _Fragment(one)
            for one in document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }

    def selections(self, selected: SelectionSetNode | None) -> Size:
        size = Size()
        for one in selected.selections if selected else ():
            size = size.beside(self._selection(one))
        return size

    def fragment(self, name: str) -> Size:
        found = self._fragments.get(name)
        if found is None:
            return Size()  # validation says that it is unknown
        if found.is_open:
            raise GraphQLError(f'The fragment "{name[:MAX_NAME]}" must not contain itself.')
        if found.size is None:
            found.is_open = True
            found.size = self.selections(found.definition.selection_set)
            found.is_open = False
        return found.size

    def _selection(self, one: SelectionNode) -> Size:
        if isinstance(one, FragmentSpreadNode):
            return self.fragment(one.name.value)
        inner = self.selections(one.selection_set)  # type: ignore[attr-defined]
        if not isinstance(one, FieldNode):
            return inner
        # graphql-core limits the depth of introspection itself.
        depth = 0 if one.name.value.startswith("__") else 1 + inner.depth
        return Size(depth, inner.aliases + (one.alias is not None), inner.fields + 1)
