"""Faults of the fields of both requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.faults.fault import Apply, Fault, Reply, asks

RATES = {"inputSampleRate": 16000, "outputSampleRate": 16000}
REPAIRED: dict[str, Any] = {
    "agentId": "agent_demo",
    "connectionType": "twilio",
    "systemPrompt": "x",
    "voice": "x",
    "language": "en",
    "greeting": "x",
}
"""What is put in the place of a required field's wrong value; others are left out."""


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _holder(body: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    for name in path[:-1]:
        inner = body.get(name)
        if not isinstance(inner, dict):
            return {}
        body = inner
    return body


def accepts(operation: str, field: str, *values: Any) -> Apply:
    """Let wrong values of a field (`a.b` is b in a) pass."""
    path = field.split(".")

    def change(asked: str, body: dict[str, Any]) -> None:
        holder = _holder(body, path)
        name = path[-1]
        if asked == operation and name in holder and any(_same(holder[name], value) for value in values):
            instead = {**REPAIRED, **RATES}
            holder.pop(name)
            if name in instead:
                holder[name] = instead[name]

    return asks(change)


def refuses(operation: str, field: str, *values: Any, status: int = 400) -> Apply:
    """Refuse right values of a field; any value where none are given."""
    path = field.split(".")

    def change(asked: str, body: dict[str, Any]) -> Reply | None:
        holder = _holder(body, path)
        name = path[-1]
        hit = name in holder and (not values or any(_same(holder[name], value) for value in values))
        return Reply.error(status) if asked == operation and hit else None

    return asks(change)


def fills(operation: str, when: Callable[[dict[str, Any]], bool] = lambda body: True, **fields: Any) -> Apply:
    """Fill in what is missing."""

    def change(asked: str, body: dict[str, Any]) -> None:
        if asked == operation and when(body):
            for name, value in fields.items():
                body.setdefault(name, value)

    return asks(change)


def tools_accept(wrong: Callable[[Any], bool]) -> Apply:
    """Let entries of selectedTools pass that are wrong."""

    def change(operation: str, body: dict[str, Any]) -> None:
        entries = body.get("selectedTools")
        if isinstance(entries, list):
            body["selectedTools"] = [{"toolName": "x"} if wrong(entry) else entry for entry in entries]

    return asks(change)


def tools_refuse(right: Callable[[dict[str, Any]], bool]) -> Apply:
    """Refuse requests with a tool that is right."""

    def change(operation: str, body: dict[str, Any]) -> Reply | None:
        entries = body.get("selectedTools")
        found = isinstance(entries, list) and any(isinstance(entry, dict) and right(entry) for entry in entries)
        return Reply.error(400) if found else None

    return asks(change)


def temporary(wrong: Callable[[dict[str, Any]], bool]) -> Callable[[Any], bool]:
    """A rule for temporary tools."""

    def look(entry: Any) -> bool:
        tool = entry.get("temporaryTool") if isinstance(entry, dict) else None
        return isinstance(tool, dict) and wrong(tool)

    return look


def _kinds(entry: Any) -> int:
    return sum(name in entry for name in ("toolId", "toolName", "temporaryTool")) if isinstance(entry, dict) else 9


def _transports(tool: dict[str, Any]) -> int:
    return sum(name in tool for name in ("http", "client", "dataConnection"))


def _location(tool: dict[str, Any], *locations: Any) -> bool:
    return any(parameter.get("location") in locations for parameter in tool.get("dynamicParameters", []))


def _any_tools(operation: str, body: dict[str, Any]) -> None:
    if "selectedTools" in body and not isinstance(body["selectedTools"], list):
        del body["selectedTools"]


def _rates_guessed(operation: str, body: dict[str, Any]) -> None:
    if body.get("connectionType") == "websocket" and isinstance(body.get("websocket", {}), dict):
        body["websocket"] = {**RATES, **body.get("websocket", {})}


def _one_rate_is_enough(operation: str, body: dict[str, Any]) -> None:
    asked = body.get("websocket")
    if body.get("connectionType") == "websocket" and isinstance(asked, dict) and "inputSampleRate" in asked:
        asked.setdefault("outputSampleRate", asked["inputSampleRate"])


def _null_is_missing(operation: str, body: dict[str, Any]) -> None:
    if operation == "inline":
        for name in [name for name, value in body.items() if value is None]:
            del body[name]


def _carriers_need_rates(operation: str, body: dict[str, Any]) -> Reply | None:
    asked = body.get("websocket")
    return Reply.error(400) if isinstance(asked, dict) and not asked.keys() >= RATES.keys() else None


def _unknown_agent(operation: str, body: dict[str, Any]) -> Reply | None:
    unknown = isinstance(body.get("agentId"), str) and body["agentId"] not in ("agent_demo", "")
    return Reply.error(400) if operation == "create" and unknown else None


def _agent_by_its_beginning(operation: str, body: dict[str, Any]) -> None:
    if operation == "create" and str(body.get("agentId")).startswith("agent_demo"):
        body["agentId"] = "agent_demo"


def _any_agent_on_websocket(operation: str, body: dict[str, Any]) -> None:
    if operation == "create" and body.get("connectionType") == "websocket" and isinstance(body.get("agentId"), str):
        body["agentId"] = "agent_demo"


def _rooms_need_rates(operation: str, body: dict[str, Any]) -> Reply | None:
    return Reply.error(400) if body.get("connectionType") == "webrtc" and "websocket" not in body else None


def _rooms_may_last(operation: str, body: dict[str, Any]) -> None:
    if body.get("connectionType") == "webrtc" and type(body.get("maxDuration")) is int:
        del body["maxDuration"]


def _one_tool(operation: str, body: dict[str, Any]) -> None:
    if isinstance(body.get("selectedTools"), dict) and body["selectedTools"]:
        body["selectedTools"] = [body["selectedTools"]]


def _five_tools(operation: str, body: dict[str, Any]) -> Reply | None:
    tools = body.get("selectedTools")
    return Reply.error(400) if isinstance(tools, list) and len(tools) > 5 else None


def _patience_needs_action(operation: str, body: dict[str, Any]) -> Reply | None:
    return Reply.error(400) if "inactivityTimeout" in body and "inactivityAction" not in body else None


def _action_needs_patience(operation: str, body: dict[str, Any]) -> Reply | None:
    return Reply.error(400) if "inactivityAction" in body and "inactivityTimeout" not in body else None


def _rooms_have_a_voice(operation: str, body: dict[str, Any]) -> None:
    if operation == "inline" and body.get("connectionType") == "webrtc":
        body.setdefault("voice", "Mark")


def _unknown_on_carriers(operation: str, body: dict[str, Any]) -> Reply | None:
    custom = operation == "create" and body.get("connectionType") == "websocket"
    return Reply.error(400) if custom and "metadata" in body and "xNew" in body else None


def _numbers_from_text(operation: str, body: dict[str, Any]) -> None:
    for name in ("temperature", "maxDuration", "inactivityTimeout"):
        value = body.get(name)
        if isinstance(value, str):
            body.update({name: float(value) if name == "temperature" else int(value or 100)})


def _booleans_from_text(operation: str, body: dict[str, Any]) -> None:
    for name in ("interruptible", "recordingEnabled"):
        if body.get(name) in ("true", "false"):
            body[name] = body[name] == "true"


def _f(breaks: str, name: str, apply: Apply, says: str = "", variant: str = "", **settings: Any) -> Fault:
    return Fault(name=name, breaks=breaks, apply=apply, says=says, variant=variant, settings=settings)


def _inline(field: str, *wrong: Any) -> list[Fault]:
    """A fault for each wrong value that is let in."""
    kebab = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in field)
    return [
        _f(
            f"inline.{kebab}",
            f"{field} may be {json.dumps(value)}",
            accepts("inline", field, value),
            f"{field} is {json.dumps(value)}".replace("[", r"\[").replace(".", r"\."),
        )
        for value in wrong
    ]


FAULTS = [
    _f("create.agent-id", "agentId is made text of", accepts("create", "agentId", 5), "agentId is 5"),
    _f("create.agent-id", "agentId may be a query", accepts("create", "agentId", {"$ne": None}), "ne"),
    _f("create.agent-id", "agentId may be null", accepts("create", "agentId", None), "agentId is null"),
    _f("create.connection-type", "create offers webrtc", accepts("create", "connectionType", "webrtc"), "webrtc"),
    _f(
        "create.connection-type",
        "create offers no plivo",
        refuses("create", "connectionType", "plivo"),
        "plivo.* is allowed",
    ),
    _f(
        "create.connection-type",
        "create takes Twilio in capitals",
        accepts("create", "connectionType", "TWILIO"),
        "TWILIO",
    ),
    _f("create.required", "create has a default agent", fills("create", agentId="agent_demo"), "agentId is missing"),
    _f(
        "create.empty-agent",
        "an empty agentId is the default agent",
        accepts("create", "agentId", ""),
        "agentId is empty",
    ),
    _f("create.unknown-agent", "every agent exists", lambda server: None, "no such agent", any_agent=True),
    _f("create.unknown-agent", "an unknown agent is answered with 400", asks(_unknown_agent), "404"),
    _f(
        "create.unknown-agent",
        "agents are found by the beginning of their id",
        asks(_agent_by_its_beginning),
        "only begins",
    ),
    _f("create.unknown-agent", "custom clients get any agent", asks(_any_agent_on_websocket), "only begins"),
    _f("create.valid", "create refuses metadata", refuses("create", "metadata"), "every field"),
    _f("create.valid", "create answers 400 to everything", refuses("create", "agentId", "agent_demo"), "shortest"),
    *_inline("connectionType", "TWILIO", "vonage", " twilio", None),
    _f("inline.connection-type", "rooms need rates", asks(_rooms_need_rates), "webrtc.* is allowed"),
    _f(
        "inline.connection-type",
        "inline offers no webrtc",
        refuses("inline", "connectionType", "webrtc"),
        "webrtc.* is allowed",
    ),
    *_inline("systemPrompt", "", 5),
    *_inline("voice", "", None),
    *_inline("language", "", 5),
    *_inline("greeting", None, 5, False),
    _f(
        "inline.greeting",
        "a greeting has 1000 characters at most",
        refuses("inline", "greeting", "x" * 2000),
        "is allowed",
    ),
    *_inline("model", None, 5),
    *_inline("temperature", 1.01, -0.01, True),
    _f(
        "inline.temperature",
        "temperature ends below 1",
        refuses("inline", "temperature", 1),
        "temperature 1 is allowed",
    ),
    _f("inline.temperature", "numbers are read from text", asks(_numbers_from_text), "temperature is"),
    *_inline("firstSpeaker", "AGENT", "assistant", ""),
    *_inline("interruptible", 1, None),
    _f("inline.interruptible", "booleans are read from text", asks(_booleans_from_text), "interruptible is"),
    *_inline("maxDuration", 59, 7201, -1),
    _f("inline.max-duration", "rooms may last for ever", asks(_rooms_may_last), "maxDuration is (59|7201)"),
    _f("inline.max-duration", "maxDuration ends below 7200", refuses("inline", "maxDuration", 7200), "7200 is allowed"),
    *_inline("inactivityTimeout", 9, 301, None),
    _f(
        "inline.inactivity-timeout",
        "inactivityTimeout begins above 10",
        refuses("inline", "inactivityTimeout", 10),
        "10 is allowed",
    ),
    *_inline("inactivityAction", "HANG_UP", "hangup", None),
    *_inline("recordingEnabled", "true", 1),
    _f(
        "inline.recording-enabled",
        "recordings cannot be switched off",
        refuses("inline", "recordingEnabled", False),
        "false is allowed",
    ),
    _f("inline.required", "greeting is optional", fills("inline", greeting="Hi"), "greeting is missing"),
    _f(
        "inline.required",
        "greeting is optional where the user speaks first",
        fills("inline", lambda body: body.get("firstSpeaker") == "user", greeting="Hi"),
        "also where firstSpeaker",
    ),
    _f("inline.required", "rooms have a voice of their own", asks(_rooms_have_a_voice), "voice is missing"),
    _f("inline.required", "language has a default", fills("inline", language="en"), "language is missing"),
    _f("inline.valid", "twilioStream is refused", refuses("inline", "websocket.twilioStream"), "every field"),
    _f(
        "inline.valid",
        "inline answers 200",
        asks(
            lambda operation, body: (
                Reply(200, {"content-type": "application/json"}, b"{}") if operation == "inline" else None
            )
        ),
        "201",
    ),
    _f("inline.model", "null is taken for missing", asks(_null_is_missing), "model is null"),
    # websocket
    _f("websocket.rates-required", "missing rates are guessed", asks(_rates_guessed), "missing", "create"),
    _f("websocket.rates-required", "one rate is enough", asks(_one_rate_is_enough), "outputSampleRate is missing"),
    _f(
        "websocket.rates-elsewhere",
        "rates are required on every connection type",
        asks(_carriers_need_rates),
        "without rates",
        "inline",
    ),
    _f(
        "websocket.input-rate",
        "inputSampleRate ends at 48001",
        accepts("inline", "websocket.inputSampleRate", 48001),
        "48001",
        "inline",
    ),
    _f(
        "websocket.input-rate",
        "inputSampleRate is read from text",
        accepts("create", "websocket.inputSampleRate", "16000"),
        "16000",
        "create",
    ),
    _f(
        "websocket.input-rate",
        "only the usual input rates are taken",
        refuses("inline", "websocket.inputSampleRate", 11025, 22050),
        "11025|22050",
        "inline",
    ),
    _f(
        "websocket.output-rate",
        "outputSampleRate ends at 48001",
        accepts("create", "websocket.outputSampleRate", 48001),
        "48001",
        "create",
    ),
    _f(
        "websocket.output-rate",
        "outputSampleRate begins at 7999",
        accepts("inline", "websocket.outputSampleRate", 7999),
        "7999",
        "inline",
    ),
    _f(
        "websocket.output-rate",
        "outputSampleRate may be true",
        accepts("inline", "websocket.outputSampleRate", True),
        "true",
        "inline",
    ),
    _f("websocket.codec", "codec may be PCM", accepts("inline", "websocket.codec", "PCM"), "PCM", "inline"),
    _f("websocket.codec", "create knows no g711", refuses("create", "websocket.codec", "g711"), "g711", "create"),
    _f("websocket.codec", "codec may be a number", accepts("create", "websocket.codec", 5), "is 5", "create"),
    _f(
        "websocket.buffering",
        "enableAudioBuffering may be 0",
        accepts("inline", "websocket.enableAudioBuffering", 0),
        "is 0",
        "inline",
    ),
    _f(
        "websocket.buffering",
        "enableAudioBuffering may be text",
        accepts("create", "websocket.enableAudioBuffering", "true"),
        "true",
        "create",
    ),
    # tools
    _f("tools.array", "selectedTools may be anything", asks(_any_tools), "selectedTools is"),
    _f("tools.array", "one tool need not be in an array", asks(_one_tool), "selectedTools is .*opening-hours"),
    _f("tools.array", "entries may be text", tools_accept(lambda entry: isinstance(entry, str)), r'\["x"\]'),
    _f("tools.exactly-one", "an entry may have two", tools_accept(lambda entry: _kinds(entry) == 2), " and "),
    _f("tools.exactly-one", "an entry may have none", tools_accept(lambda entry: _kinds(entry) == 0), "without any"),
    _f("tools.exactly-one", "an entry may have all three", tools_accept(lambda entry: _kinds(entry) == 3), "all three"),
    _f("tools.exactly-one", "toolId is not known", tools_refuse(lambda entry: "toolId" in entry), "toolId"),
    _f(
        "tools.types",
        "toolId may be a number",
        tools_accept(lambda entry: _kinds(entry) == 1 and entry.get("toolId") == 5),
        '"toolId": 5',
    ),
    _f(
        "tools.types",
        "toolName may be null",
        tools_accept(lambda entry: _kinds(entry) == 1 and "toolName" in entry and entry["toolName"] is None),
        "null",
    ),
    _f(
        "tools.types",
        "null is taken for missing in an entry",
        tools_accept(lambda entry: _kinds(entry) == 2 and entry.get("toolId", 5) is None),
        '"toolId": null',
    ),
    _f(
        "tools.types",
        "temporaryTool may be text",
        tools_accept(lambda entry: isinstance(entry, dict) and isinstance(entry.get("temporaryTool"), str)),
        '"temporaryTool": "x"',
    ),
    _f(
        "tools.model-tool-name",
        "a name may have 65 characters",
        tools_accept(temporary(lambda tool: len(str(tool.get("modelToolName"))) == 65)),
        "aaa",
    ),
    _f(
        "tools.model-tool-name",
        "a name may hold a hyphen",
        tools_accept(temporary(lambda tool: tool.get("modelToolName") == "a-b")),
        "a-b",
    ),
    _f(
        "tools.model-tool-name",
        "a name may begin with an underscore",
        tools_accept(temporary(lambda tool: tool.get("modelToolName") == "_abc")),
        "_abc",
    ),
    _f(
        "tools.model-tool-name",
        "a name may be missing",
        tools_accept(temporary(lambda tool: "modelToolName" not in tool)),
        "missing",
    ),
    _f(
        "tools.timeout",
        "a timeout may be 41s",
        tools_accept(temporary(lambda tool: tool.get("timeout") in ("40.1s", "41s"))),
        "40.1s",
    ),
    _f(
        "tools.timeout",
        "a timeout may be zero",
        tools_accept(temporary(lambda tool: tool.get("timeout") in ("0s", "0.0s"))),
        "0.0s",
    ),
    _f(
        "tools.timeout",
        "a timeout may begin with a point",
        tools_accept(temporary(lambda tool: tool.get("timeout") == ".5s")),
        r'"\.5s"',
    ),
    _f(
        "tools.timeout",
        "a timeout may end in a line break",
        tools_accept(temporary(lambda tool: tool.get("timeout") == "5s\n")),
        r"5s\\n",
    ),
    _f(
        "tools.timeout",
        "a timeout may lack its unit",
        tools_accept(temporary(lambda tool: tool.get("timeout") in ("5", 5))),
        "5",
    ),
    _f(
        "tools.timeout",
        "timeouts are whole",
        tools_refuse(temporary(lambda tool: "." in str(tool.get("timeout")))),
        "timeout 2.5s",
    ),
    _f(
        "tools.one-transport",
        "a tool may have two transports",
        tools_accept(temporary(lambda tool: _transports(tool) == 2)),
        " and ",
    ),
    _f(
        "tools.one-transport",
        "a tool may have three transports",
        tools_accept(temporary(lambda tool: _transports(tool) == 3)),
        "three",
    ),
    Fault(
        name="a tool must have a transport",
        breaks="tools.one-transport",
        apply=tools_refuse(temporary(lambda tool: _transports(tool) == 0)),
    ),
    _f(
        "tools.parameter-location",
        "a parameter may be a cookie",
        tools_accept(temporary(lambda tool: _location(tool, "PARAMETER_LOCATION_COOKIE"))),
        "COOKIE",
    ),
    _f(
        "tools.parameter-location",
        "a location may be short",
        tools_accept(temporary(lambda tool: _location(tool, "body"))),
        "body",
    ),
    _f(
        "tools.parameter-location",
        "parameters must say where they go",
        tools_refuse(temporary(lambda tool: _location(tool, None))),
        "without a location is allowed",
    ),
    _f(
        "tools.parameter-location",
        "parameters go into no header",
        tools_refuse(temporary(lambda tool: _location(tool, "PARAMETER_LOCATION_HEADER"))),
        "HEADER is allowed",
    ),
    _f(
        "tools.full",
        "automatic parameters are refused",
        tools_refuse(temporary(lambda tool: "automaticParameters" in tool)),
        "every field",
    ),
    # any combination
    _f("answers.every-valid-request", "a call has five tools at most", asks(_five_tools), "400", "inline"),
    _f(
        "answers.every-valid-request",
        "inactivityTimeout needs an inactivityAction",
        asks(_patience_needs_action),
        "inactivityTimeout|400",
        "inline",
    ),
    _f(
        "answers.every-valid-request",
        "inactivityAction needs an inactivityTimeout",
        asks(_action_needs_patience),
        "inactivityAction|400",
        "inline",
    ),
    _f(
        "answers.every-valid-request",
        "create takes unknown fields on carriers alone",
        asks(_unknown_on_carriers),
        "400",
        "create",
    ),
    # defaults
    _f(
        "defaults.connection-type",
        "without connectionType a call is for telnyx",
        asks(lambda operation, body: body.setdefault("connectionType", "telnyx") and None),
        "twilio",
    ),
]
