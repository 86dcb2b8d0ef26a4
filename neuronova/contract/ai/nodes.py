"""YAML as nodes that know their lines, and readers of them: each reader gives a value, or every problem in its part.

Plain YAML only: one document, no anchors, aliases or tags, a limited size and depth. A scalar is read from the text as
it was written, so that `NO` and `19:00` are not turned into a truth value and a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import yaml

MOST_CHARACTERS = 200_000
DEEPEST = 12
MOST_ITEMS = 200
LONGEST_TEXT = 200
_SHOWN = 60
_STANDARD = ("!", None)

Reader = Callable[[yaml.Node], Any]


class Problem(NamedTuple):
    """What is wrong in a line, counted from 1."""

    line: int
    message: str


class Odd(ValueError):
    """A text is not what it should be; `problems` is every one of them, in the order of lines."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("; ".join(f"line {one.line}: {one.message}" for one in self.problems))


def compose(text: str) -> yaml.Node:
    """Return the root node of a YAML document.

    Raises:
        Odd: it is no YAML, is empty, or uses what is not taken here.
    """
    if len(text) > MOST_CHARACTERS:
        raise Odd(Problem(1, f"the file is longer than {MOST_CHARACTERS} characters"))
    _refuse_what_is_not_plain(text)
    node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        raise Odd(Problem(1, "the file is empty"))
    return node


def _refuse_what_is_not_plain(text: str) -> None:
    # Events come one after the other; making nodes of them is recursive, and follows aliases.
    depth = documents = 0
    line = 1
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = line if event.start_mark is None else event.start_mark.line + 1
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
                raise Odd(Problem(line, "anchors and aliases are not taken"))
            if getattr(event, "tag", None) not in _STANDARD:
                raise Odd(Problem(line, "tags are not taken"))
            documents += isinstance(event, yaml.DocumentStartEvent)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if documents > 1:
                raise Odd(Problem(line, "there is more than one document"))
            if depth > DEEPEST:
                raise Odd(Problem(line, f"it is nested deeper than {DEEPEST}"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Odd(Problem(1 if mark is None else mark.line + 1, f"no YAML: {error.problem}")) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Odd(Problem(line, f"no YAML: the character U+{ord(text[error.position]):04X} is not allowed")) from None
    except Odd:
        raise
    except (ValueError, OverflowError):
        # What PyYAML turns into a number without asking: \U escapes, versions. They follow what was read last.
        raise Odd(Problem(line, "no YAML: an escape or a number that means nothing")) from None


def line_of(node: yaml.Node) -> int:
    """Return the line that a node begins in, counted from 1."""
    return int(node.start_mark.line) + 1


def odd(node: yaml.Node, message: str) -> Odd:
    """Return one problem, where the node is; `message` goes on from what the node says."""
    said = str(node.value).strip() if isinstance(node, yaml.ScalarNode) else ""
    return Odd(Problem(line_of(node), f"{shown(said) or 'this'} {message}"))


def scalar(node: yaml.Node) -> str:
    """Read a text or number as it was written.

    Raises:
        Odd: it is a mapping or list, empty, or longer than `LONGEST_TEXT`.
    """
    if not isinstance(node, yaml.ScalarNode):
        raise odd(node, "is not one value")
    text = str(node.value)
    if not text.strip():
        raise odd(node, "is empty")
    if len(text) > LONGEST_TEXT:
        raise odd(node, f"is longer than {LONGEST_TEXT} characters")
    return text


def whole(node: yaml.Node, *, most: int) -> int:
    """Read a whole number from 1 to `most`.

    Raises:
        Odd: it is none.
    """
    text = scalar(node)
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most):
        raise odd(node, f"is not a whole number from 1 to {most}")
    return int(text)


def items(node: yaml.Node, read: Reader) -> tuple[Any, ...]:
    """Read a list of 1 to `MOST_ITEMS` items.

    Raises:
        Odd: it is none, or some items are odd.
    """
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        raise odd(node, "is not a list with one item or more")
    if len(node.value) > MOST_ITEMS:
        raise odd(node, f"has more than {MOST_ITEMS} items")
    problems: list[Problem] = []
    values = [_collected(problems, read, item) for item in node.value]
    if problems:
        raise Odd(*problems)
    return tuple(values)


def one_or_more(node: yaml.Node, read: Reader) -> tuple[Any, ...]:
    """Read a list, or one item in the place of a list of one."""
    return items(node, read) if isinstance(node, yaml.SequenceNode) else (read(node),)


def fields(node: yaml.Node, required: Mapping[str, Reader], optional: Mapping[str, Reader]) -> dict[str, Any]:
    """Read a mapping with these keys and no others; those that are not there are not in the answer.

    Raises:
        Odd: it is none, a key is unknown, there twice or missing, or some values are odd.
    """
    entries = keys(node)
    readers = {**required, **optional}
    problems = [
        Problem(line_of(value), f"{shown(name)} is unknown; there are {', '.join(readers)}")
        for name, value in entries.items()
        if name not in readers
    ]
    problems += [Problem(line_of(node), f"{name} is missing") for name in required if name not in entries]
    values = {name: _collected(problems, readers[name], value) for name, value in entries.items() if name in readers}
    if problems:
        raise Odd(*problems)
    return values


def keys(node: yaml.Node) -> dict[str, yaml.Node]:
    """Return the entries of a mapping.

    Raises:
        Odd: it is none, or a key is no text or there twice.
    """
    if not isinstance(node, yaml.MappingNode):
        raise odd(node, "is not a mapping (name: value)")
    entries: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = scalar(key)
        if name in entries:
            raise odd(key, f"{shown(name)} is there twice")
        entries[name] = value
    return entries


def shown(text: str, longest: int = _SHOWN) -> str:
    """Return a text as a message shows it: printable, and not long."""
    return text[:longest] if text.isprintable() else ascii(text[:longest])


def _collected(problems: list[Problem], read: Reader, node: yaml.Node) -> Any:
    try:
        return read(node)
    except Odd as error:
        problems += error.problems
        return None
