"""Faults of the room of a webrtc call: who may join, what is heard and read in it, and how it ends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

import jwt
from livekit.protocol import models

from contract.events import RoomOffered
from mockserver.server import Server
from mockserver.webrtc.line import RoomLine
from mockserver.webrtc.rooms import OwnRooms
from mockserver.webrtc.wires import RoomAudio, RoomData
from tests.faults.fault import Apply, Fault, asks

Wires = Iterable[Any]
"""What goes over a room's line: RoomData, RoomAudio, or text for the control socket."""


def own_rooms(server: Server) -> Any:
    """The mock's rooms, to be changed."""
    rooms = server.mock.rooms()
    assert isinstance(rooms, OwnRooms)
    return rooms


def lines(change: Callable[[Any], None]) -> Apply:
    """Change the line of each webrtc call."""

    def apply(server: Server) -> None:
        rooms = own_rooms(server)
        receiver_of = rooms.receiver_of

        def changed(session: Any) -> Any:
            receiver = receiver_of(session)
            if isinstance(receiver, RoomLine):
                change(receiver)
            return receiver

        rooms.receiver_of = changed

    return apply


def says(change: Callable[[Any], Wires]) -> Apply:
    """Change what goes over the line to the caller."""

    def look(line: Any) -> None:
        send = line.send

        def changed(wire: Any) -> None:
            for each in change(wire):
                send(each)

        line.send = changed

    return lines(look)


def tells(change: Callable[[dict[str, Any]], Wires]) -> Apply:
    """Change what is said as the room's data."""
    return says(lambda wire: change(json.loads(wire)) if isinstance(wire, RoomData) else [wire])


def data(body: dict[str, Any]) -> RoomData:
    """The room's data for a JSON object."""
    return RoomData(json.dumps(body))


def loses(kind: str, *, in_room: bool = True, on_socket: bool = False) -> Apply:
    """Messages of the caller's of one type are lost."""

    def look(line: Any) -> None:
        said, receive = line.said, line.receive
        if in_room:
            line.said = lambda raw: None if _type_of(raw) == kind else said(raw)
        if on_socket:
            line.receive = lambda wire: None if _type_of(wire) == kind else receive(wire)

    return lines(look)


def _type_of(wire: str | bytes) -> Any:
    try:
        return json.loads(wire).get("type")
    except (ValueError, AttributeError):
        return None


def signed(change: Callable[[dict[str, Any]], object], secret: str = "") -> Apply:
    """Change the claims of the room's token, and sign it again."""

    def apply(server: Server) -> None:
        rooms = own_rooms(server)
        offer = rooms.offer

        def changed(call_id: str) -> RoomOffered | None:
            room: RoomOffered | None = offer(call_id)
            if room is None:
                return None
            claims = jwt.decode(room.token, options={"verify_signature": False})
            change(claims)
            key = secret or rooms._livekit.secret
            return RoomOffered(room_url=room.room_url, token=jwt.encode(claims, key, algorithm="HS256"))

        rooms.offer = changed

    return apply


def participants(change: Callable[[Any], None]) -> Apply:
    """Change the room as each caller meets it."""

    def apply(server: Server) -> None:
        rooms = own_rooms(server)
        join = rooms.join

        def changed(query: bytes, authorization: bytes) -> Any:
            participant = join(query, authorization)
            change(participant)
            return participant

        rooms.join = changed

    return apply


def _without_a_track(participant: Any) -> None:
    welcome = participant._welcome

    def changed() -> Any:
        joined = welcome()
        del joined.other_participants[0].tracks[:]
        return joined

    participant._welcome = changed


def _lossy(participant: Any) -> None:
    """Data goes by the channel for what may be lost."""
    peers = participant._peers

    def changed(packet: bytes) -> None:
        sent = models.DataPacket.FromString(packet)
        sent.kind = models.DataPacket.LOSSY
        for channel in peers._subscriber.sctp._data_channels.values():
            if channel.label == "_lossy" and channel.readyState == "open":
                channel.send(sent.SerializeToString())

    peers.send = changed


def _deaf(line: Any) -> None:
    line.heard = lambda audio: None


def _deaf_on_the_socket(line: Any) -> None:
    line.receive = lambda wire: None


def _stays(line: Any) -> None:
    """The control socket's end is not the room's."""
    lost = line.lost

    def changed(peer_said: str) -> None:
        line.venue = None
        lost(peer_said)

    line.lost = changed


def _greets_at_once(operation: str, body: dict[str, Any]) -> None:
    if body.get("connectionType") == "webrtc":
        body["firstSpeaker"] = "agent"


def _never_interruptible(operation: str, body: dict[str, Any]) -> None:
    if body.get("connectionType") == "webrtc":
        body["interruptible"] = False


def _no_state(body: dict[str, Any]) -> Wires:
    return [] if body["type"] == "state" else [data(body)]


def _only_idle(body: dict[str, Any]) -> Wires:
    return [data({**body, "state": "idle"} if body["type"] == "state" else body)]


def _never_final(body: dict[str, Any]) -> Wires:
    return [data({**body, "final": False} if body["type"] == "transcript" else body)]


def _no_transcripts(body: dict[str, Any]) -> Wires:
    return [] if body["type"] == "transcript" else [data(body)]


def _ordinals_as_text(body: dict[str, Any]) -> Wires:
    return [data({**body, "ordinal": str(body["ordinal"])} if body["type"] == "transcript" else body)]


def _f(breaks: str, name: str, apply: Apply, says: str = "", variant: str = "") -> Fault:
    return Fault(name=name, breaks=breaks, apply=apply, says=says, variant=variant)


FAULTS = [
    _f(
        "webrtc.join",
        "the room's token expired an hour ago",
        signed(lambda claims: claims.update(exp=int(time.time()) - 3600)),
        "refused: 401.*expired",
    ),
    _f("webrtc.join", "the token is signed with another secret", signed(lambda claims: None, "x" * 32), "refused: 401"),
    _f(
        "webrtc.join",
        "the token is for a room that does not exist",
        signed(lambda claims: claims["video"].update(room="lobby")),
        "refused: 404",
    ),
    _f(
        "webrtc.join",
        "the room does not let the caller publish",
        signed(lambda claims: claims["video"].update(canPublish=False)),
        "publish a track",
    ),
    _f(
        "webrtc.greeting",
        "the agent's track is silent",
        says(lambda wire: [RoomAudio(len(wire))] if isinstance(wire, RoomAudio) else [wire]),
        "only silence",
    ),
    _f("webrtc.greeting", "the agent publishes no track", participants(_without_a_track), "no track"),
    _f("webrtc.user-speaks-first", "in rooms the agent always greets", asks(_greets_at_once), "audible audio after"),
    _f("webrtc.answer", "the agent does not hear the microphone", lines(_deaf), "received nothing"),
    _f(
        "webrtc.interruption",
        "in rooms the greeting cannot be interrupted",
        asks(_never_interruptible),
        "it goes on",
    ),
    _f("webrtc.state", "the room is told no state", tells(_no_state), "received none"),
    _f("webrtc.state", "in the room the agent is idle all the time", tells(_only_idle), "idle only"),
    _f("webrtc.channel", "states go on the control socket", tells(lambda body: [json.dumps(body)]), "only"),
    _f("webrtc.channel", "the room's data may be lost", participants(_lossy), "may be lost"),
    _f("webrtc.messages", "the room's data is no JSON", tells(lambda body: [RoomData(repr(body))]), "not JSON"),
    _f("webrtc.messages", "ordinals in the room are texts", tells(_ordinals_as_text), r"\$\.ordinal"),
    _f("webrtc.transcripts", "transcripts in the room are never final", tells(_never_final), "none is final"),
    _f("webrtc.transcripts", "the room is told no transcripts", tells(_no_transcripts), "received none"),
    _f(
        "webrtc.typed",
        "text that is typed in the room is ignored",
        loses("user_text_message"),
        "of the user_text_message",
        "user_text_message",
    ),
    _f(
        "webrtc.typed",
        "the SDK's name for typed text is not known in the room",
        loses("input_text_message"),
        "of the input_text_message",
        "input_text_message",
    ),
    _f("webrtc.long-messages", "nobody reads the control socket", lines(_deaf_on_the_socket), "an answer within"),
    _f(
        "webrtc.tool-result",
        "tools' results in the room are lost",
        loses("client_tool_result"),
        "in the room",
        "short",
    ),
    _f(
        "webrtc.tool-result",
        "tools' results on the control socket are lost",
        loses("client_tool_result", in_room=False, on_socket=True),
        "on the control socket",
        "long",
    ),
    _f("webrtc.leave", "the agent stays in the room", lines(_stays), "still in it"),
]
