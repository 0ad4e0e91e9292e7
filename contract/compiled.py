"""Readers and writers of one message, made from its schema as Python source and compiled once, as dataclasses are.

A frame comes fifty times a second and call: walking the schema for each costs several times what the rest does.
The source holds only generated names; what the document says enters as bound values, never as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from contract.errors import DocumentError
from contract.events import Event
from contract.spelling import Spelling, spelling_of

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One place in a message that carries a field of its event.

    Attributes:
        path: the keys that lead there.
        field: the event's field.
        spelling: how the value is written.
        certain: whether a message that fits the schema always has it.
        default: what its absence means, as JSON; None where it means nothing.
        pattern: what the schema asks of a string's letters.
    """

    path: tuple[str, ...]
    field: str
    spelling: Spelling
    certain: bool
    default: Any = None
    pattern: str | None = None


def leaves_of(schema: Schema, types: dict[str, Any]) -> tuple[Leaf, ...]:
    """Every leaf of a payload that carries a field; `types` are the event's fields and their type hints.

    Raises DocumentError if a leaf names a field that the event does not have.
    """
    return tuple(_leaves(schema, types, (), certain=True))


def reader_of(event: type[Event], leaves: tuple[Leaf, ...]) -> Callable[[Any], Event]:
    """A function from a body that fits the schema to the event that it stands for.

    It raises ValueError where a value fits the schema and still cannot be understood.
    Raises DocumentError if the schema lets a message leave out what the event needs.
    """
    meant = _meant(leaves)
    _check_needs(event, meant)
    source = _Source()
    arguments = [
        f"{source.bound(leaf.field, as_name=True)}={_read_expression(source, leaf)}" for leaf in meant.values()
    ]
    return source.function("body", f"{source.bound(event)}({', '.join(arguments)})")


def writer_of(schema: Schema, types: dict[str, Any]) -> Callable[[Event], Any]:
    """A function from an event to the body that stands for it.

    What is optional and has no value is left out; what is required and has none stands as None, and does not fit.
    """
    source = _Source()
    return source.function("event", _write_expression(source, schema, types, required=True))


@dataclass(slots=True)
class _Source:
    """Python source in the making: statements, and the values that its names stand for."""

    names: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def bound(self, value: Any, *, as_name: bool = False) -> str:
        """A fresh name for a value; the value itself where it is the name of an event's field."""
        if as_name:
            return cast(str, value)
        name = self.fresh()
        self.names[name] = value
        return name

    def fresh(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def function(self, argument: str, result: str) -> Callable[[Any], Any]:
        body = "".join(f"    {line}\n" for line in self.lines)
        exec(f"def function({argument}):\n{body}    return {result}\n", self.names)
        return cast(Callable[[Any], Any], self.names["function"])


def _leaves(schema: Schema, types: dict[str, Any], path: tuple[str, ...], *, certain: bool) -> Iterator[Leaf]:
    name = schema.get("x-field")
    if name is not None and schema.get("format") != "binary":
        if name not in types:
            raise DocumentError(f"$.{'.'.join(path)}: x-field {name!r} is not a field of the event")
        yield Leaf(path, name, spelling_of(schema, types[name]), certain, schema.get("default"), schema.get("pattern"))
    required = schema.get("required", ())
    for key, part in schema.get("properties", {}).items():
        yield from _leaves(part, types, (*path, key), certain=certain and key in required)


def _meant(leaves: tuple[Leaf, ...]) -> dict[str, Leaf]:
    """For each field the leaf that counts: one that is always there before one that may be, else the outermost."""
    meant: dict[str, Leaf] = {}
    for leaf in leaves:
        known = meant.get(leaf.field)
        if known is None or (leaf.certain and not known.certain):
            meant[leaf.field] = leaf
    return meant


def _check_needs(event: type[Event], meant: dict[str, Leaf]) -> None:
    for needed in msgspec.structs.fields(event):
        if needed.required and not (needed.name in meant and meant[needed.name].certain):
            raise DocumentError(f"{event.__name__}.{needed.name} is needed, but the payload does not require it")


def _read_expression(source: _Source, leaf: Leaf) -> str:
    place = "body"
    for depth, key in enumerate(leaf.path):
        if leaf.certain:
            place = f"{place}[{source.bound(key)}]"
        elif depth < len(leaf.path) - 1:
            place = f"{place}.get({source.bound(key)}, {{}})"
        else:
            place = f"{place}.get({source.bound(key)})"
    read = "" if leaf.spelling.plain else source.bound(leaf.spelling.read)
    if leaf.certain:
        return f"{read}({place})"
    if leaf.default is None and not read:
        return place
    value = source.fresh()
    default = source.bound(None if leaf.default is None else leaf.spelling.read(leaf.default))
    return f"({default} if ({value} := {place}) is None else {read}({value}))"


def _write_expression(source: _Source, schema: Schema, types: dict[str, Any], *, required: bool) -> str:
    """The expression for one place of a message; None where there is nothing to write."""
    if "const" in schema:
        return source.bound(schema["const"])
    default = source.bound(schema.get("default"))
    if "x-field" in schema:
        place = f"event.{schema['x-field']}"
        spelling = spelling_of(schema, types[schema["x-field"]])
        written = place if spelling.plain else f"{source.bound(spelling.write)}({place})"
        if spelling.plain and "default" not in schema:
            return place
        return f"({default} if {place} is None else {written})"
    if "default" in schema or "properties" not in schema:
        return default
    return _write_object(source, schema, types, required=required)


def _write_object(source: _Source, schema: Schema, types: dict[str, Any], *, required: bool) -> str:
    """An object: its required parts at once, the others if they have a value; None if it is optional and empty."""
    needed = schema.get("required", ())
    parts = {
        key: _write_expression(source, part, types, required=key in needed)
        for key, part in schema["properties"].items()
    }
    always = ", ".join(f"{source.bound(key)}: {parts[key]}" for key in parts if key in needed)
    optional = [key for key in parts if key not in needed]
    if not optional:
        return f"{{{always}}}"
    name = source.fresh()
    source.lines.append(f"{name} = {{{always}}}")
    for key in optional:
        value = source.fresh()
        source.lines.append(f"if ({value} := {parts[key]}) is not None: {name}[{source.bound(key)}] = {value}")
    return name if required else f"({name} or None)"
