"""Faults of transcripts, typed text, client tools and rooms."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from mockserver.server import Server
from tests.faults.fault import Apply, Close, Fault, Hooks, Socket, Wires, hears, hooked, says
from tests.faults.media import payload

GREETING = "Hello, this is a test call. How can I help you?"


def transcripts(change: Callable[[Socket, dict[str, Any]], Wires], role: str = "") -> Apply:
    """Change the transcripts, of one role or both."""

    def look(socket: Socket, message: Any) -> Wires:
        is_one = isinstance(message, dict) and message.get("type") == "transcript"
        return change(socket, message) if is_one and role in ("", message["role"]) else [message]

    return says(look)


def typed(change: Callable[[Socket, dict[str, Any]], Wires], *names: str) -> Apply:
    """Change what the client says in JSON."""

    def look(socket: Socket, message: Any) -> Wires:
        return change(socket, message) if isinstance(message, dict) and message.get("type") in names else [message]

    return hears(look)


def _in_pieces(socket: Socket, message: dict[str, Any]) -> Wires:
    first = {**message, "final": False, "text": str(message["text"])[:5]}
    return [first, message]


def _short(socket: Socket, message: dict[str, Any]) -> Wires:
    if message["final"]:
        message["text"] = str(message["text"]).rpartition(" ")[0]
    return [message]


def _whole_deltas(socket: Socket, message: dict[str, Any]) -> Wires:
    """Each delta holds all that was said so far."""
    if message.get("delta") is not None:
        message["delta"] = getattr(socket.state, "said", "") + message["delta"]
        socket.state.said = message["delta"]
    elif not message["final"]:
        socket.state.said = message["text"]
    return [message]


def _per_role(socket: Socket, message: dict[str, Any]) -> Wires:
    """Each role has a counter of its own."""
    known: dict[tuple[str, int], int] = socket.state.__dict__.setdefault("known", {})
    message["ordinal"] = known.setdefault(
        (message["role"], message["ordinal"]), sum(role == message["role"] for role, _ in known)
    )
    return [message]


def _falling(socket: Socket, message: dict[str, Any]) -> Wires:
    message["ordinal"] = 1000 - message["ordinal"]
    return [message]


def _begins_anew(server: Server) -> None:
    """After an interruption ordinals begin at nought again."""

    def said(socket: Socket, message: Any) -> Wires:
        if isinstance(message, dict) and message.get("type") == "playback_clear_buffer":
            socket.state.cut = True
        if isinstance(message, dict) and message.get("type") == "transcript":
            highest = getattr(socket.state, "highest", -1)
            if hasattr(socket.state, "cut") and message["ordinal"] > highest:
                socket.state.less = getattr(socket.state, "less", highest + 1)
            else:
                socket.state.highest = max(highest, message["ordinal"])
            message = {**message, "ordinal": max(0, message["ordinal"] - getattr(socket.state, "less", 0))}
        return [message]

    hooked(Hooks(says=said))(server)


def _ascii(socket: Socket, message: dict[str, Any]) -> Wires:
    if message.get("text") is not None:
        message["text"] = message["text"].encode("ascii", "ignore").decode()
    return [message]


def _one_ordinal(socket: Socket, message: dict[str, Any]) -> Wires:
    if message["role"] == "agent":
        message["ordinal"] = 0
    return [message]


def _greets_then_answers(socket: Socket, message: dict[str, Any]) -> Wires:
    if message["final"] and socket.asked.get("firstSpeaker") == "user" and socket.once("greeting"):
        return [{**message, "text": GREETING}]
    return [message]


def _as_voice(socket: Socket, message: dict[str, Any]) -> Wires:
    return [{**message, "medium": "voice"}]


def _asterisks(socket: Socket, message: dict[str, Any]) -> Wires:
    return [{**message, "text": "***"}]


def _no_typed_transcript(socket: Socket, message: dict[str, Any]) -> Wires:
    return [] if message["medium"] == "text" else [message]


def _waits_for_a_voice(server: Any) -> None:
    """Text does not end the wait for the caller's first words."""

    def heard(socket: Socket, message: Any) -> Wires:
        text = isinstance(message, dict) and message.get("type") == "user_text_message"
        waits = socket.asked.get("firstSpeaker") == "user" and not hasattr(socket.state, "spoke")
        return [] if text and waits else [message]

    def said(socket: Socket, message: Any) -> Wires:
        if payload(message) is not None:
            socket.state.spoke = True
        return [message]

    hooked(Hooks(hears=heard, says=said))(server)


def _is_call(message: Any) -> bool:
    return isinstance(message, dict) and message.get("type") == "client_tool_invocation"


def _lower_name(socket: Socket, message: Any) -> Wires:
    return [{**message, "toolName": message["toolName"].lower()} if _is_call(message) else message]


def _busy_speaking(server: Server) -> None:
    """Texts are dropped until the greeting is over."""

    def heard(socket: Socket, message: Any) -> Wires:
        typed = isinstance(message, dict) and message.get("type") == "user_text_message"
        return [] if typed and getattr(socket.state, "state", "") == "speaking" else [message]

    def said(socket: Socket, message: Any) -> Wires:
        if isinstance(message, dict) and message.get("type") == "state":
            socket.state.state = message["state"]
        return [message]

    hooked(Hooks(hears=heard, says=said))(server)


def _parameters_as_text(socket: Socket, message: Any) -> Wires:
    return [{**message, "parameters": json.dumps(message["parameters"])} if _is_call(message) else message]


def _makes_it_up(socket: Socket, message: Any) -> Wires:
    if _is_call(message):
        socket.tell({"type": "client_tool_result", "invocationId": message["invocationId"], "result": "12 euros"})
    return [message]


def awaiting(change: Callable[[Socket, Any], Wires]) -> Apply:
    """Change what is heard while a tool's result is awaited; `socket.state.awaited` is its id."""

    def said(socket: Socket, message: Any) -> Wires:
        if _is_call(message):
            socket.state.awaited = message["invocationId"]
        return [message]

    def heard(socket: Socket, message: Any) -> Wires:
        return change(socket, message) if hasattr(socket.state, "awaited") else [message]

    return hooked(Hooks(hears=heard, says=said))


def _result(message: Any) -> bool:
    return isinstance(message, dict) and message.get("type") == "client_tool_result"


def _any_id(socket: Socket, message: Any) -> Wires:
    if _result(message):
        message["invocationId"] = socket.state.awaited
    return [message]


def _unknown_id_closes(socket: Socket, message: Any) -> Wires:
    return [Close(1008)] if _result(message) and message["invocationId"] != socket.state.awaited else [message]


def _no_results(socket: Socket, message: Any) -> Wires:
    return [] if _result(message) else [message]


def _answers_again(socket: Socket, message: Any) -> Wires:
    """A second result is taken for news."""
    if _result(message) and message["invocationId"] == socket.state.awaited and socket.count("results") > 1:
        return [{"type": "user_text_message", "text": "the tool says more"}]
    return [message]


def _in_two(socket: Socket, message: Any) -> Wires:
    """The words of a turn come in two final messages, each with an ordinal of its own."""
    if not isinstance(message, dict) or message.get("type") != "transcript":
        return [message]
    one = {**message, "ordinal": 2 * message["ordinal"]}
    return [one, {**one, "ordinal": one["ordinal"] + 1}] if _was_spoken(message) else [one]


def _and_again(socket: Socket, message: Any) -> Wires:
    """The words of a turn come once more when it has been answered."""
    if not isinstance(message, dict) or message.get("type") not in ("transcript", "state"):
        return [message]
    said: dict[str, Any] | None = getattr(socket.state, "said", None)
    if message.get("state") == "listening" and said is not None:
        socket.state.said = None
        return [message, {**said, "ordinal": said["ordinal"] + 3}]
    if message["type"] == "state":
        return [message]
    one = {**message, "ordinal": 4 * message["ordinal"]}
    if _was_spoken(message):
        socket.state.said = one
    return [one]


def _was_spoken(message: dict[str, Any]) -> bool:
    return bool(message["role"] == "user" and message.get("medium") != "text")


def without(name: str) -> Callable[[Socket, Any], Wires]:
    """Results with this field are not understood."""
    return lambda socket, message: [] if _result(message) and name in message else [message]


def _deaf_while_waiting(socket: Socket, message: Any) -> Wires:
    return [message] if _result(message) else []


def _second_result_closes(socket: Socket, message: Any) -> Wires:
    again = _result(message) and message["invocationId"] == socket.state.awaited and socket.count("results") > 1
    return [Close(1008)] if again else [message]


def _typed(message: Any) -> bool:
    return isinstance(message, dict) and message.get("type") in ("user_text_message", "input_text_message")


def _deaf_to_texts_while_waiting(socket: Socket, message: Any) -> Wires:
    if _result(message):
        del socket.state.awaited
    return [] if _typed(message) else [message]


def _one_typed(socket: Socket, message: Any) -> Wires:
    typed = isinstance(message, dict) and message.get("role") == "user" and message.get("medium") == "text"
    return [] if typed and socket.count("typed") > 1 else [message]


def _one_text(socket: Socket, message: Any) -> Wires:
    return [] if _typed(message) and socket.count("texts") > 1 else [message]


def _one_result(socket: Socket, message: Any) -> Wires:
    return [] if _result(message) and socket.count("results") > 1 else [message]


def _strict_results(socket: Socket, message: Any) -> Wires:
    """Results with a field that is not necessary are refused without a word."""
    return [] if _result(message) and len(message) > 3 else [message]


def _short_results(socket: Socket, message: Any) -> Wires:
    return [] if _result(message) and len(json.dumps(message)) > 2000 else [message]


def _calls_others_tools(socket: Socket, message: Any) -> Wires:
    """The tools of one call are called on all."""
    has_none = socket.operation == "inline" and socket.kind == "websocket" and not socket.asked.get("selectedTools")
    if not (has_none and socket.once("called")):
        return [message]
    return [
        {"type": "client_tool_invocation", "invocationId": "x", "toolName": "lookUpPrice", "parameters": {}},
        message,
    ]


def _one_id(server: Any) -> None:
    """Each invocation has the id of the first one."""

    def said(socket: Socket, message: Any) -> Wires:
        if _is_call(message):
            socket.state.real = message["invocationId"]
            message = {**message, "invocationId": "the-only-one"}
        return [message]

    def heard(socket: Socket, message: Any) -> Wires:
        if _result(message) and message["invocationId"] == "the-only-one":
            message = {**message, "invocationId": socket.state.real}
        return [message]

    hooked(Hooks(hears=heard, says=said))(server)


def _mute_after_two(socket: Socket, message: Any) -> Wires:
    """No transcripts of the agent once the caller has had two turns."""
    if not isinstance(message, dict) or message.get("type") != "transcript":
        return [message]
    turns = socket.count("turns") if message["role"] == "user" else getattr(socket.state, "turns", 0)
    return [message] if turns < 2 or message["role"] == "user" else []


def _tells_the_key(socket: Socket, message: Any) -> Wires:
    return [{**message, "account": "ck_mock_valid"} if isinstance(message, dict) and "state" in message else message]


def offers(change: Callable[[dict[str, Any]], Wires]) -> Apply:
    """Change the offer of a room."""
    return says(lambda socket, message: change(message) if "roomUrl" in message else [message])


def claims(change: Callable[[dict[str, Any]], object], header: bool = False) -> Apply:
    """Change the claims (or the header) of the room's token."""

    def look(message: dict[str, Any]) -> Wires:
        parts = message["token"].split(".")
        index = 0 if header else 1
        content = json.loads(base64.urlsafe_b64decode(parts[index] + "=="))
        change(content)
        parts[index] = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
        return [{**message, "token": ".".join(parts)}]

    return offers(look)


def _one_token(server: Any) -> None:
    tokens: list[str] = []

    def look(message: dict[str, Any]) -> Wires:
        tokens.append(message["token"])
        return [{**message, "token": tokens[0]}]

    offers(look)(server)


def _f(breaks: str, name: str, apply: Apply, says: str = "", variant: str = "", **settings: Any) -> Fault:
    return Fault(name=name, breaks=breaks, apply=apply, says=says, variant=variant, settings=settings)


TEXT = ("user_text_message",)

FAULTS = [
    _f("transcripts.agent", "no transcripts of the agent", transcripts(lambda s, m: [], "agent"), "none"),
    _f(
        "transcripts.agent",
        "the agent's transcripts are never final",
        transcripts(lambda s, m: [{**m, "final": False}], "agent"),
        "none is final",
    ),
    _f("transcripts.final-text", "the final text lacks the last word", transcripts(_short, "agent"), "the final text"),
    _f(
        "transcripts.final-text",
        "final transcripts come twice",
        transcripts(lambda s, m: [m, m] if m["final"] else [m], "agent"),
        "another one",
    ),
    _f("transcripts.final-text", "deltas hold all that was said", transcripts(_whole_deltas, "agent"), "pieces joined"),
    _f(
        "transcripts.final-text",
        "no final transcripts",
        transcripts(lambda s, m: [{**m, "final": False}], "agent"),
        "none for",
    ),
    _f("transcripts.ordinals", "each role counts for itself", transcripts(_per_role), "is both"),
    _f("transcripts.ordinals", "ordinals begin anew after an interruption", _begins_anew, "is both|after"),
    _f("transcripts.typed", "typed texts lose what is not ASCII", transcripts(_ascii), "medium text"),
    _f("transcripts.ordinals", "ordinals fall", transcripts(_falling), "rising|after"),
    _f(
        "transcripts.ordinals",
        "all of the agent's utterances have one ordinal",
        transcripts(_one_ordinal),
        "again|answer behind|is both",
    ),
    _f("transcripts.user", "user turns come in pieces", transcripts(_in_pieces, "user"), "a piece"),
    _f("transcripts.user", "user turns come twice", transcripts(lambda s, m: [m, m], "user"), "twice"),
    _f(
        "transcripts.greeting-not-spoken",
        "the greeting comes after the caller's first words",
        transcripts(_greets_then_answers, "agent"),
        "not the greeting",
    ),
    _f("transcripts.typed-answer", "typed text is ignored", typed(lambda s, m: [], *TEXT), "audible"),
    _f("transcripts.typed", "typed text is voice", transcripts(_as_voice, "user"), "medium voice"),
    _f("transcripts.typed", "typed text is masked", transcripts(_asterisks, "user"), r"\*\*\*"),
    _f("transcripts.typed", "typed text has no transcript", transcripts(_no_typed_transcript, "user"), "none"),
    _f(
        "transcripts.older-spelling",
        "input_text_message is not known",
        typed(lambda s, m: [], "input_text_message"),
        "input_text_message",
    ),
    _f(
        "transcripts.typed-counts-as-spoken",
        "text does not end the wait for the caller",
        _waits_for_a_voice,
        "user_text_message",
    ),
    _f("client-tools.waits", "a tool's result is made up", says(_makes_it_up), "without a result"),
    _f("client-tools.name", "the tool's name loses its capitals", says(_lower_name), "lookupprice"),
    _f("transcripts.typed-while-speaking", "texts are lost while the agent speaks", _busy_speaking, "none"),
    _f("client-tools.waits", "a tool's parameters are a text", says(_parameters_as_text), "parameters"),
    _f("client-tools.waits", "any invocationId will do", awaiting(_any_id), "unknown invocationId"),
    _f("client-tools.waits", "an unknown invocationId ends the call", awaiting(_unknown_id_closes), "1008"),
    _f("client-tools.waits", "results are ignored", awaiting(_no_results), "of the result"),
    _f("client-tools.waits", "a second result is answered, too", awaiting(_answers_again), "second result"),
    _f("client-tools.waits", "a second result ends the call", awaiting(_second_result_closes), "1008"),
    _f(
        "transcripts.user",
        "what was spoken is said to be typed",
        transcripts(lambda s, m: [{**m, "medium": "text"}], "user"),
        "medium voice",
    ),
    _f(
        "transcripts.agent",
        "what the agent says is said to be typed",
        transcripts(lambda s, m: [{**m, "medium": "text"}], "agent"),
        "medium voice",
    ),
    _f("transcripts.user", "what was spoken comes in two messages", says(_in_two), "no answer before the next"),
    _f(
        "transcripts.user",
        "what was spoken comes again after the answer",
        says(_and_again),
        "no answer before the next",
    ),
    _f("client-tools.every-call", "each invocation has the same id", _one_id, "earlier invocation"),
    _f("client-tools.every-call", "results with more fields are lost", hears(_strict_results), "second call's result"),
    _f("client-tools.every-call", "long results are lost", hears(_short_results), "second call's result"),
    _f(
        "media.messages", "the tools of other calls are called", says(_calls_others_tools), "without tools", "websocket"
    ),
    _f("client-tools.every-call", "only one result in a call is taken", hears(_one_result), "second call's result"),
    _f(
        "transcripts.spoken",
        "what the caller says is not shown",
        transcripts(lambda s, m: [] if m.get("medium") != "text" else [m], "user"),
        "role user",
    ),
    _f("transcripts.every-text", "only one text in a call is taken", hears(_one_text), "the second text"),
    _f("transcripts.every-text", "only the first text has a transcript", says(_one_typed), "one of two"),
    _f("transcripts.every-turn", "transcripts stop after two turns", says(_mute_after_two), "the second turn"),
    _f("authentication.not-on-the-socket", "a message tells the key", says(_tells_the_key), "the key is in one"),
    _f(
        "authentication.not-on-the-socket",
        "the room's token names the key",
        claims(lambda claims: claims.update(iss="ck_mock_valid")),
        "on webrtc",
    ),
    _f("client-tools.error", "error is not known", awaiting(without("error")), "speaks within", "error"),
    _f("client-tools.error", "errorType is not known", awaiting(without("errorType")), "speaks within", "errorType"),
    _f(
        "client-tools.other-turns",
        "the agent hears nothing while a tool runs",
        awaiting(_deaf_while_waiting),
        "an answer within",
    ),
    _f(
        "client-tools.other-turns",
        "texts are lost while a tool runs",
        awaiting(_deaf_to_texts_while_waiting),
        "an answer within",
        "typed",
    ),
    _f("webrtc.control-message", "the room is offered twice", offers(lambda m: [m, m]), "one such message"),
    _f(
        "webrtc.control-message",
        "the offer is in an envelope",
        offers(lambda m: [{"type": "room", "data": m}]),
        "roomUrl and token",
    ),
    _f("webrtc.control-message", "the offer is binary", offers(lambda m: [json.dumps(m).encode()]), "binary"),
    _f(
        "webrtc.control-message",
        "roomUrl is a bare host",
        offers(lambda m: [{**m, "roomUrl": "livekit.example"}]),
        "roomUrl",
    ),
    _f("webrtc.token", "the token has expired", claims(lambda c: c.update(exp=1000)), "exp"),
    _f(
        "webrtc.token",
        "the token expires in milliseconds",
        claims(lambda c: c.update(exp=c["exp"] * 1000)),
        "exp in seconds",
    ),
    _f("webrtc.token", "the token opens no room", claims(lambda c: c["video"].pop("roomJoin")), "roomJoin"),
    _f("webrtc.token", "the token has no identity", claims(lambda c: c.pop("sub")), "sub"),
    _f("webrtc.token", "the caller may not speak", claims(lambda c: c["video"].update(canPublish=False)), "canPublish"),
    _f("webrtc.token", "the token is unsigned", claims(lambda c: c.update(alg="none"), header=True), "alg"),
    _f(
        "webrtc.own-room",
        "all calls are in one room",
        claims(lambda c: c["video"].update(room="lobby")),
        "another room",
    ),
    _f("webrtc.own-room", "all calls have one token", _one_token, "another token"),
]
