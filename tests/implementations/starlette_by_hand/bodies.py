"""Request bodies: strict JSON, then checks by hand. Whatever is wrong raises `BadRequest` with words for a developer.

No message repeats a value of the body.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import NoReturn

type_names = {str: "a string", bool: "true or false", dict: "an object", list: "an array"}

CREATE_CONNECTION_TYPES = ("twilio", "telnyx", "plivo", "websocket")
INLINE_CONNECTION_TYPES = ("webrtc", *CREATE_CONNECTION_TYPES)
PARAMETER_LOCATIONS = tuple(f"PARAMETER_LOCATION_{place}" for place in ("QUERY", "PATH", "HEADER", "BODY"))
TRANSPORTS = ("http", "client", "dataConnection")
TOOL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
TOOL_TIMEOUT = re.compile(r"[0-9]+(\.[0-9]+)?s")
LONGEST_TOOL_TIMEOUT = 40.0

JsonObject = dict[str, object]


class BadRequest(Exception):
    """The body breaks a rule."""

    def __init__(self, message: str, code: str = "VALIDATION_ERROR") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass(frozen=True)
class SocketFormat:
    """The audio of `connectionType: websocket`."""

    input_rate: int
    output_rate: int
    codec: str


@dataclass(frozen=True)
class CallSettings:
    """All that the spoken part of a call depends on."""

    connection_type: str
    socket: SocketFormat | None
    greeting: str
    agent_speaks_first: bool = True
    interruptible: bool = False
    max_duration: float = 3000.0
    inactivity_timeout: float | None = None
    hang_up_when_inactive: bool = False
    client_tools: tuple[str, ...] = ()


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _integer(digits: str) -> int | float:
    """Integers of any length: beyond what a float holds they are infinite, and no rule lets that through."""
    return int(digits) if len(digits) < 400 else float(digits)


def parse_object(data: bytes) -> JsonObject:
    """The JSON object in a body."""
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_no_constant, parse_int=_integer)
    except (ValueError, RecursionError):
        raise BadRequest("The body is not valid JSON in UTF-8.", "INVALID_BODY") from None
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.", "INVALID_BODY")
    return value


class Fields:
    """Typed access to the fields of one object. A field that is absent gives None; one that is null is refused."""

    def __init__(self, values: JsonObject, path: str = "") -> None:
        self._values = values
        self._path = path

    def fail(self, name: str, rule: str) -> NoReturn:
        """Refuse the body for the field `name`."""
        raise BadRequest(f"{self._path}{name} {rule}.")

    def has(self, name: str) -> bool:
        """Whether the field is there at all."""
        return name in self._values

    def _get(self, name: str, kind: type, required: bool = False) -> object:
        if name not in self._values:
            if required:
                self.fail(name, "is required")
            return None
        value = self._values[name]
        if not isinstance(value, kind):
            self.fail(name, f"must be {type_names[kind]}")
        return value

    def text(self, name: str, *, required: bool = False, filled: bool = False) -> str | None:
        """A string, with `filled` a non-empty one."""
        value = self._get(name, str, required)
        if filled and value == "":
            self.fail(name, "must not be empty")
        return value if isinstance(value, str) else None

    def needed_text(self, name: str, *, filled: bool = True) -> str:
        """A string that must be there."""
        return self.text(name, required=True, filled=filled) or ""

    def choice(self, name: str, options: tuple[str, ...]) -> str | None:
        """One of some strings."""
        value = self.text(name)
        if value is not None and value not in options:
            self.fail(name, f"must be one of: {', '.join(options)}")
        return value

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value = self._get(name, bool)
        return value if isinstance(value, bool) else None

    def number(self, name: str, low: float, high: float) -> float | None:
        """A number between two bounds, both included."""
        if name not in self._values:
            return None
        value = self._values[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(name, "must be a number")
        if not low <= value <= high:
            self.fail(name, f"must be from {low:g} to {high:g}")
        return float(value)

    def integer(self, name: str, low: int, high: int, *, required: bool = False) -> int | None:
        """A whole number between two bounds, both included; 60.0 is one as well."""
        if required and name not in self._values:
            self.fail(name, "is required")
        value = self.number(name, low, high)
        if value is None:
            return None
        if not value.is_integer():
            self.fail(name, "must be an integer")
        return int(value)

    def object(self, name: str, *, required: bool = False) -> Fields | None:
        """An object within this one."""
        value = self._get(name, dict, required)
        return Fields(value, f"{self._path}{name}.") if isinstance(value, dict) else None

    def objects(self, name: str) -> list[Fields]:
        """An array of objects; none when it is absent."""
        value = self._get(name, list)
        found: list[Fields] = []
        for index, item in enumerate(value if isinstance(value, list) else []):
            if not isinstance(item, dict):
                self.fail(f"{name}[{index}]", "must be an object")
            found.append(Fields(item, f"{self._path}{name}[{index}]."))
        return found


def _connection(body: Fields, offered: tuple[str, ...]) -> tuple[str, SocketFormat | None]:
    """The connection type in force, and the format of its audio where the caller may choose it."""
    kind = body.choice("connectionType", offered) or "twilio"
    wanted = kind == "websocket"
    socket = body.object("websocket", required=wanted)
    if socket is None:
        return kind, None
    input_rate = socket.integer("inputSampleRate", 8000, 48000, required=wanted)
    output_rate = socket.integer("outputSampleRate", 8000, 48000, required=wanted)
    codec = socket.choice("codec", ("pcm", "g711")) or "pcm"
    socket.flag("enableAudioBuffering")
    socket.flag("twilioStream")
    if not wanted or input_rate is None or output_rate is None:
        return kind, None
    return kind, SocketFormat(input_rate, output_rate, codec)


def _temporary_tool(tool: Fields) -> str | None:
    """Check a tool that is defined in place; its name if it runs at the client."""
    name = tool.needed_text("modelToolName")
    if not TOOL_NAME.fullmatch(name):
        tool.fail("modelToolName", "must be a letter, then letters, digits or _, at most 64 together")
    timeout = tool.text("timeout")
    if timeout is not None and not (
        TOOL_TIMEOUT.fullmatch(timeout) and 0 < float(timeout.removesuffix("s")) <= LONGEST_TOOL_TIMEOUT
    ):
        tool.fail("timeout", 'must be seconds like "2.5s", more than 0 and at most 40s')
    tool.text("description")
    tool.flag("precomputable")
    tool.text("defaultReaction")
    for kind in ("dynamicParameters", "staticParameters", "automaticParameters"):
        for parameter in tool.objects(kind):
            parameter.text("name")
            parameter.choice("location", PARAMETER_LOCATIONS)
            if kind == "dynamicParameters":
                parameter.object("schema")
                parameter.flag("required")
    if sum(map(tool.has, TRANSPORTS)) > 1:
        tool.fail("http", "client and dataConnection exclude each other")
    http = tool.object("http")
    if http is not None:
        http.text("baseUrlPattern")
        http.text("httpMethod")
    tool.object("dataConnection")
    return name if tool.object("client") is not None else None


def _client_tools(body: Fields) -> tuple[str, ...]:
    names: list[str] = []
    for entry in body.objects("selectedTools"):
        if sum(map(entry.has, ("toolId", "toolName", "temporaryTool"))) != 1:
            raise BadRequest("Each entry of selectedTools sets exactly one of toolId, toolName, temporaryTool.")
        entry.text("toolId")
        entry.text("toolName")
        tool = entry.object("temporaryTool")
        name = _temporary_tool(tool) if tool is not None else None
        if name is not None:
            names.append(name)
    return tuple(names)


def read_create(values: JsonObject, greeting: str) -> tuple[str, CallSettings]:
    """Check a body of `/calls/create`: the agent's id, and the settings with that saved agent's greeting."""
    body = Fields(values)
    agent_id = body.needed_text("agentId")
    kind, socket = _connection(body, CREATE_CONNECTION_TYPES)
    body.object("metadata")
    return agent_id, CallSettings(kind, socket, greeting)


def read_inline(values: JsonObject) -> CallSettings:
    """Check a body of `/calls/inline`."""
    body = Fields(values)
    body.needed_text("systemPrompt")
    body.needed_text("voice")
    body.needed_text("language")
    greeting = body.needed_text("greeting", filled=False)
    body.text("model")
    body.number("temperature", 0, 1)
    body.flag("recordingEnabled")
    body.object("metadata")
    kind, socket = _connection(body, INLINE_CONNECTION_TYPES)
    inactivity = body.integer("inactivityTimeout", 10, 300)
    duration = body.integer("maxDuration", 60, 7200)
    return CallSettings(
        connection_type=kind,
        socket=socket,
        greeting=greeting,
        agent_speaks_first=body.choice("firstSpeaker", ("agent", "user")) != "user",
        interruptible=body.flag("interruptible") or False,
        max_duration=3000.0 if duration is None else float(duration),
        inactivity_timeout=None if inactivity is None else float(inactivity),
        hang_up_when_inactive=body.choice("inactivityAction", ("hang_up", "prompt")) == "hang_up",
        client_tools=_client_tools(body),
    )


def is_finite_number(value: object) -> bool:
    """Whether a JSON value is a number that can be sent back as JSON."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
