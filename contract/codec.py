"""Turns WebSocket messages into events and back, as an AsyncAPI document says.

Nothing here knows a carrier: the shape of a message is its payload schema, and its meaning is the `x-event` beside it
and the `x-field` on its leaves.  A document is compiled once, into validators, readers and writers.
"""

from __future__ import annotations

import enum
import re
import typing
from collections.abc import Callable, Iterator
from typing import Any, cast

import jsonschema_rs
import msgspec

from contract.compiled import Leaf, leaves_of, reader_of, writer_of
from contract.documents import Document, resolved
from contract.errors import DocumentError, PeerError, UsageError
from contract.events import EVENTS, Audio, Event
from contract.mould import Template

Wire = str | bytes
"""One WebSocket message: text, or binary."""

Schema = dict[str, Any]
Body = dict[str, Any]

LONGEST_SHOWN = 40
"""How long a text of the peer's may be, in characters, to be told in an error."""

_JSON_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError)


class Role(enum.Enum):
    """One end of a stream.  The value is the AsyncAPI action of what it says: the documents describe the agent."""

    AGENT = "send"
    CARRIER = "receive"

    @property
    def peer(self) -> Role:
        """The other end."""
        return Role.CARRIER if self is Role.AGENT else Role.AGENT


class Message:
    """One message of a document, compiled.

    Attributes:
        name: its name in the document.
        event: the kind of event that it stands for.
        schema: its payload schema, with nothing left to resolve.
        binary: whether it is a binary WebSocket message, all of it audio.
        constants: the top-level constants that tell it from other messages.
    """

    def __init__(self, name: str, definition: dict[str, Any]) -> None:
        kind = definition.get("x-event")
        if kind not in EVENTS:
            raise DocumentError(f"message {name}: x-event {kind!r} is not one of {', '.join(EVENTS)}")
        self.name = name
        self.event = EVENTS[kind]
        self.schema: Schema = definition["payload"]
        self.binary = definition.get("contentType") == "application/octet-stream"
        self.constants = {
            key: part["const"] for key, part in self.schema.get("properties", {}).items() if "const" in part
        }
        types = typing.get_type_hints(self.event)
        self._required = tuple(field.name for field in msgspec.structs.fields(self.event) if field.required)
        # A mask, since what the peer sent may be a secret and may be long.
        self._validator = jsonschema_rs.Draft7Validator(self.schema, mask="the value")
        self.fits: Callable[[Body], bool] = self._validator.is_valid
        """Whether a JSON object is this message."""
        self.leaves: tuple[Leaf, ...] = ()
        """The places that carry the event's fields."""
        if self.binary:
            return
        try:
            self.leaves = leaves_of(self.schema, types)
            self._read = reader_of(self.event, self.leaves)
            self.write: Callable[[Event], Body] = writer_of(self.schema, types)
            """The body that stands for an event; it may not fit."""
        except DocumentError as error:
            raise DocumentError(f"message {name}: {error}") from error

    def read(self, body: Body) -> Event:
        """The event that a body stands for, which must fit.  Raises PeerError where a value cannot be understood."""
        try:
            return self._read(body)
        except ValueError:
            raise self._misspelt(body) from None

    def required_in(self, body: Body) -> int:
        """How many of the fields that this message requires a body has, at the top."""
        return sum(key in body for key in self.schema.get("required", ()))

    def fault(self, body: Body) -> PeerError:
        """What is wrong with a body that does not fit, with the event that was most likely meant."""
        place, reason = "$", "holds a value that cannot be checked"
        try:
            # Not `iter_errors`: it finds every fault before it gives the first, which takes a large body seconds.
            self._validator.validate(body)
        except jsonschema_rs.ValidationError as error:
            place, reason = _json_path(error.instance_path), error.message
        except ValueError:
            pass
        return PeerError(self.name, place, reason, self._guess(body))

    def _misspelt(self, body: Body) -> PeerError:
        """What is wrong with a body that fits and still cannot be read."""
        for leaf in self.leaves:
            value = _at(body, leaf.path)
            try:
                if value is not None:
                    leaf.spelling.read(value)
            except ValueError as error:
                return PeerError(self.name, _json_path(leaf.path), f"not {leaf.spelling.name}: {str(error).lower()}")
        return PeerError(self.name, "$", "holds a value that cannot be understood")

    def _guess(self, body: Body) -> Event | None:
        """The event as far as it can be read from a body that does not fit; None if what it needs is missing."""
        fields: dict[str, Any] = {}
        for leaf in self.leaves:
            value = _at(body, leaf.path)
            if value is not None and leaf.field not in fields:
                guessed = leaf.spelling.guess(value)
                if guessed is not None:
                    fields[leaf.field] = guessed
        if any(name not in fields for name in self._required):
            return None
        return self.event(**fields)


class Codec:
    """One connection type, seen from one end.

    Args:
        document: an AsyncAPI document, as read; its references are resolved here.
        role: the end that we are: what we send is encoded, what the other end sends is decoded.
        channel: the name of the channel, where a document has more than one.

    Raises DocumentError if the document makes no sense.
    """

    def __init__(self, document: Document, role: Role, channel: str | None = None) -> None:
        self.connection_type = str(document.get("x-connection-type", "document"))
        self.sent = tuple(_messages(document, role, channel))
        self.received = tuple(_messages(document, role.peer, channel))
        self._binary = next((message for message in self.received if message.binary), None)
        self._text = tuple(message for message in self.received if not message.binary)
        self._by_tag: dict[str, dict[Any, tuple[Message, ...]]] = {}
        for message in self._text:
            for tag, value in message.constants.items():
                alike = self._by_tag.setdefault(tag, {})
                alike[value] = (*alike.get(value, ()), message)
        self._untagged = tuple(message for message in self._text if not message.constants)
        self._by_event: dict[type[Event], tuple[Message, ...]] = {}
        for message in self.sent:
            self._by_event[message.event] = (*self._by_event.get(message.event, ()), message)

    def encode(self, event: Event) -> Wire:
        """The WebSocket message for an event.

        Raises UsageError if this end has no such message, or the event lacks what the message needs.
        """
        messages = self._by_event.get(type(event), ())
        for message in messages:
            if message.binary:
                return cast(bytes, getattr(event, "payload"))  # noqa: B009  # only Audio has it
            body = message.write(event)
            if message.fits(body):
                return msgspec.json.encode(body).decode()
        kind = type(event).__name__
        if not messages:
            raise UsageError(f"{self.connection_type}: this end has no message for {kind}")
        raise UsageError(f"{self.connection_type}: {kind} does not fit: {messages[-1].fault(message.write(event))}")

    def decode(self, wire: Wire) -> Event:
        """The event that a WebSocket message stands for.

        Text is one JSON object; bytes are audio, where the document has a binary message.
        Raises PeerError, naming the message and the path, if the document does not allow it.
        """
        if not isinstance(wire, str):
            if self._binary is None:
                raise PeerError(None, "$", "a binary message, where only text is allowed")
            return self._binary.event(payload=bytes(wire))  # type: ignore[call-arg]  # binary messages are Audio
        try:
            body = msgspec.json.decode(wire)
        except _JSON_ERRORS as error:
            raise PeerError(None, "$", f"not JSON: {error}") from error
        if type(body) is not dict:
            raise PeerError(None, "$", f"expected a JSON object, got {_json_type(body)}")
        candidates = self._candidates(body)
        try:
            for message in candidates:
                if message.fits(body):
                    return message.read(body)
        except ValueError as error:
            raise PeerError(candidates[0].name, "$", "holds a value that cannot be checked") from error
        # Of several spellings, the one whose fields are there is meant.
        raise max(candidates, key=lambda message: message.required_in(body)).fault(body)

    def template(self, wire: str, event: Audio) -> Template | None:
        """The mould of a message that means the event; None where there is none to be had."""
        messages = [message for message in self._text if message.event is Audio]
        return Template.of(wire, event, messages[0].leaves) if len(messages) == 1 else None

    def _candidates(self, body: Body) -> tuple[Message, ...]:
        """The messages that a body may be, by its constants; at least one.  Raises PeerError."""
        for tag, named in self._by_tag.items():
            value = body.get(tag)
            if type(value) is str and value in named:
                return named[value]
        if self._untagged:
            return self._untagged
        tag, named = next(iter(self._by_tag.items()))
        if tag not in body:
            raise PeerError(None, "$", f"{tag!r} is missing, so there is no telling what message this is")
        value = body[tag]
        if type(value) is not str:
            raise PeerError(None, f"$.{tag}", f"expected a string, got {_json_type(value)}")
        raise PeerError(None, f"$.{tag}", f"unknown {tag} {_shown(value)}, expected one of {', '.join(sorted(named))}")


def _messages(document: Document, role: Role, channel: str | None) -> Iterator[Message]:
    """The messages that one end says, in the order of the document's operations."""
    whole = resolved(document, str(document.get("x-connection-type", "document")))
    for key, operation in document.get("operations", {}).items():
        if operation["action"] != role.value:
            continue
        if channel is not None and operation["channel"]["$ref"].rpartition("/")[2] != channel:
            continue
        definitions = whole["operations"][key]["messages"]
        for reference, definition in zip(operation["messages"], definitions, strict=True):
            yield Message(reference["$ref"].rpartition("/")[2], definition)


def _at(body: Any, path: tuple[str, ...]) -> Any:
    """What stands at a path, None where nothing does."""
    for key in path:
        body = body.get(key) if isinstance(body, dict) else None
    return body


def _json_path(path: Any) -> str:
    """A path as JSONPath; keys that are not plain words are quoted, since they may be the peer's own."""
    return "$" + "".join(map(_json_step, path))


def _json_step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if re.fullmatch(r"[\w-]{1,40}", step) else f"[{_shown(step)}]"


def _shown(text: str) -> str:
    """A text of the peer's, whole or not at all: of a secret that was cut nobody could tell any more that it is one."""
    return repr(text) if len(text) <= LONGEST_SHOWN else f"({len(text)} characters)"


def _json_type(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
