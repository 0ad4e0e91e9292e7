"""connectionType webrtc: the control message and the key to the room that it hands out."""

from __future__ import annotations

import time
from typing import Any

from contract_tests import dials
from contract_tests.context import Context
from contract_tests.findings import Layer
from contract_tests.legality import shown_wire
from contract_tests.line import Line
from contract_tests.parsing import json_value, jwt_part, url_parts
from contract_tests.requirements import requirement
from contract_tests.sources import CONNECTION_TYPE
from contract_tests.target import NotChecked


async def _offered(it: Context) -> tuple[Line, tuple[str, str], list[dict[str, Any]]]:
    """A webrtc call whose first seconds were listened to, the commands for it, and its offers of a room."""

    async def record() -> Any:
        call = await it.call(connectionType="webrtc")
        async with it.line(call) as line:
            await line.until(lambda: bool(_offers(line)) or not line.alive, 10)
            await line.until(lambda: not line.alive, 2.0)
            return line, it.dial_command(call), _offers(line)

    found: tuple[Line, tuple[str, str], list[dict[str, Any]]] = await it.recording("webrtc", record)
    for offer in found[2]:
        it.judge.secrets.add(str(offer.get("token")), "[room token]")
    return found


def _offers(line: Line) -> list[dict[str, Any]]:
    return _offers_among(*(heard.wire for heard in line.heard))


def _offers_among(*wires: str | bytes) -> list[dict[str, Any]]:
    bodies = map(json_value, wires)
    return [body for body in bodies if isinstance(body, dict) and {"roomUrl", "token"} <= body.keys()]


@requirement(
    "webrtc.control-message",
    "On webrtc the socket says one JSON message with roomUrl and token.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="A webrtc call is dialled; within 10 seconds one text message with both must come, and no second one.",
    why="The browser joins the room that the message names, each time that one comes.",
    mend="Send {roomUrl, token} once, when the socket opens.",
    smoke=True,
    lasts_s=3,
    soon=True,
)
async def control_message(it: Context) -> None:
    """One, with a ws URL."""
    line, shown, offers = await _offered(it)
    if not offers:
        received = f"{len(line.heard)} other messages" if line.alive else line.why_silent
        it.wrong("a JSON message with roomUrl and token", received, *shown)
        return
    if len(offers) > 1:
        it.wrong("one such message", f"{len(offers)}", *shown)
    for heard in line.heard:
        if isinstance(heard.wire, bytes):
            it.wrong("text messages", "a binary message", *shown)
            break
        if not isinstance(json_value(heard.wire), dict):
            it.wrong("JSON objects", shown_wire(heard.wire, it.judge.secrets, 100), *shown)
            break
    room = offers[0]["roomUrl"]
    parts = url_parts(room)
    if parts is None or parts.scheme not in ("ws", "wss", "http", "https") or not parts.hostname:
        it.wrong("roomUrl: a ws:// or wss:// URL", f"roomUrl: {room!r}", *shown)
    if line.closed_at is not None:
        it.wrong("a control socket that stays open", f"closed ({line.close_code})", *shown)


@requirement(
    "webrtc.token",
    "The token is a LiveKit access token that opens the room to speak and to listen, and has not expired.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="The token is read as a JWT: HS256, iss, sub, exp ahead, and the grant video with roomJoin and room.",
    why="A token without its grants is refused by the room.",
    mend="Make it with a LiveKit server SDK: identity, roomJoin, room, and an exp ahead.",
    smoke=True,
    lasts_s=3,
    soon=True,
)
async def token(it: Context) -> None:
    """Header and claims."""
    _, shown, offers = await _offered(it)
    if not offers:
        raise NotChecked("no token came; webrtc.control-message says more")
    raw = offers[0]["token"]
    parts = raw.split(".") if isinstance(raw, str) else []
    header, claims = map(jwt_part, parts[:2]) if len(parts) == 3 and parts[2] else (None, None)
    if not isinstance(header, dict) or not isinstance(claims, dict):
        it.wrong("a JWT: header, claims and signature", "something else", *shown)
        return
    if header.get("alg") != "HS256":
        it.wrong("alg HS256", f"alg {header.get('alg')!r}", *shown)
    for claim in ("iss", "sub"):
        if not isinstance(claims.get(claim), str) or not claims[claim]:
            it.wrong(f"{claim}: a string that is not empty", f"{claim}: {claims.get(claim)!r}", *shown)
    exp = claims.get("exp")
    if isinstance(exp, bool) or not isinstance(exp, int | float) or exp <= time.time():
        it.wrong("exp: a moment ahead, in Unix seconds", f"exp: {exp!r}", *shown)
    elif exp > time.time() + 3e9:
        it.wrong("exp in seconds", f"exp: {exp!r}, which is ages ahead", *shown)
    video = claims.get("video")
    if not isinstance(video, dict):
        it.wrong("the grant video", f"video: {video!r}", *shown)
        return
    if video.get("roomJoin") is not True:
        it.wrong("video.roomJoin: true", f"video.roomJoin: {video.get('roomJoin')!r}", *shown)
    if not isinstance(video.get("room"), str) or not video["room"]:
        it.wrong("video.room: the room's name", f"video.room: {video.get('room')!r}", *shown)
    for grant in ("canPublish", "canSubscribe", "canPublishData"):
        if video.get(grant, True) is not True:
            it.wrong(f"video.{grant}: true, or left out", f"video.{grant}: {video[grant]!r}", *shown)


@requirement(
    "webrtc.own-room",
    "Each webrtc call has a room and a token of its own.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="Two webrtc calls are dialled; their tokens, and the rooms that they open, are compared.",
    why="In a shared room callers hear each other.",
    mend="Name the room after the call.",
    lasts_s=5,
    soon=True,
)
async def own_room(it: Context) -> None:
    """Two calls."""
    _, shown, offers = await _offered(it)
    others = _offers_among((await dials.dialled_again(Context(it.judge, "webrtc", it.attempt))).said)
    if not others:
        async with it.line(await it.call(connectionType="webrtc")) as line:
            await line.until(lambda: bool(_offers(line)) or not line.alive, 10)
            others = _offers(line)
    if not offers or not others:
        raise NotChecked("no token came; webrtc.control-message says more")
    it.judge.secrets.add(str(others[0]["token"]), "[room token]")
    if others[0]["token"] == offers[0]["token"]:
        it.wrong("another token for another call", "the same one", *shown)
    elif (_room(others[0]["token"]) or "x") == (_room(offers[0]["token"]) or "y"):
        it.wrong("another room for another call", "the same one", *shown)


def _room(token: Any) -> str | None:
    """The room that a token opens; None where it names none."""
    try:
        return str(jwt_part(str(token).split(".")[1])["video"]["room"])
    except (LookupError, TypeError):
        return None
