"""Read one YAML mapping from text that nobody vouches for: plain values only, bounded, and no key twice.

It builds no object but dict, list, str, int, float, bool and None, whatever the text asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import yaml
from yaml.constructor import ConstructorError

from besteffort_resource.errors import ResourceError
from besteffort_resource.sentences import shown

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["mapping_from_yaml", "read_text"]

BYTES_MAX = 1 << 20
DEPTH_MAX = 32
EVENTS_MAX = 50_000
NUMBER_LENGTH_MAX = 64
PROBLEM_SHOWN = 200
TAG = "tag:yaml.org,2002:"
SCALARS = tuple(TAG + kind for kind in ("null", "bool", "int", "float"))


def read_text(path: Path) -> str:
    """Return the text of a file of at most 1 MiB.

    Raises:
        ResourceError: it cannot be read, is larger, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise ResourceError([f"{path} cannot be read ({error.strerror}); check the path"]) from error
    _refuse_large(len(content))
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ResourceError([f"byte {error.start} is not UTF-8 text; give a YAML file, saved as UTF-8"]) from error


def mapping_from_yaml(text: str) -> dict[str, Any]:
    """Return the one mapping that the text holds.

    Raises:
        ResourceError: one sentence, with line and column where there is one.
    """
    _refuse_large(len(text.encode(errors="replace")))
    try:
        _refuse_wild(text)
        found = yaml.load(text, Loader=PlainLoader)  # noqa: S506  safer than the safe loader
    except yaml.MarkedYAMLError as error:
        raise ResourceError([_located(error)]) from error
    except yaml.YAMLError as error:
        raise ResourceError(["control characters stand in it; give a YAML file, saved as UTF-8"]) from error
    if isinstance(found, dict):
        return found
    if found is None:
        raise ResourceError(["the file is empty; write a block of name: value lines into it"])
    kind = "a list" if isinstance(found, list) else shown(found)
    raise ResourceError([f"the top level is {kind}; write a block of name: value lines"])


class PlainLoader(yaml.SafeLoader):
    """SafeLoader less dates and merge keys, bounded in its numbers, and strict about keys; for text without tags."""

    yaml_implicit_resolvers = {  # noqa: RUF012  an instance variable to the type stubs
        first: [(tag, form) for tag, form in resolvers if tag in SCALARS]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002  as in yaml
        """Return the plain value of a node."""
        unread = ConstructorError(None, None, "a number cannot be read; mend or quote it", node.start_mark)
        # A long number costs more than linear time to build.
        if node.tag in SCALARS and len(node.value) > NUMBER_LENGTH_MAX:
            raise unread
        try:
            return super().construct_object(node, deep=deep)
        except ValueError as error:
            raise unread from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """Return the mapping of a node whose keys are text, each there once."""
        found: dict[Any, Any] = {}
        for key, value in node.value:
            if key.tag != TAG + "str":
                raise ConstructorError(None, None, "a key is not text; write it in quotes", key.start_mark)
            if key.value in found:
                problem = f"the key {shown(key.value)} is there twice; keep one"
                raise ConstructorError(None, None, problem, key.start_mark)
            found[key.value] = self.construct_object(value, deep=deep)
        return found


def _refuse_large(size: int) -> None:
    if size > BYTES_MAX:
        raise ResourceError(["the file is larger than 1 MiB; give the resource or profile alone"])


def _refuse_wild(text: str) -> None:
    """Refuse what could grow beyond its text, or overflow the stack, before anything is built."""
    depth = documents = 0
    for count, event in enumerate(yaml.parse(text, Loader=PlainLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        problem = _wild(event, depth=depth, documents=documents, count=count)
        if problem:
            raise ConstructorError(None, None, problem, cast("yaml.Mark", event.start_mark))


def _wild(event: yaml.Event, *, depth: int, documents: int, count: int) -> str | None:
    if isinstance(event, yaml.AliasEvent):
        return "aliases are not read; write the value out"
    if tag := getattr(event, "tag", None):
        return f"the tag {tag.replace(TAG, '!!')} is not allowed; remove it"
    if documents > 1:
        return "a second document starts; give one document a file"
    if depth > DEPTH_MAX:
        return f"more than {DEPTH_MAX} levels are nested; a resource has fewer"
    return "there are too many values; a resource has fewer" if count > EVENTS_MAX else None


def _located(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    problem = " ".join(str(error.problem or error.context).split())[:PROBLEM_SHOWN]
    hint = "" if isinstance(error, ConstructorError) else "; check indentation, colons and quotes"
    return place + problem + hint
