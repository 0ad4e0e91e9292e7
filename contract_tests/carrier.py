"""Places one call as a carrier (or a client of one's own) would: dials, listens, speaks, waits, hangs up."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from contract.audio import AudioFormat
from contract.events import HangUp, TextMessage, ToolInvoked, ToolResult, Transcript
from contract_tests.call_summary import CallSummary
from contract_tests.connection_types import CARRIERS
from contract_tests.dialling import Refusal, open_socket
from contract_tests.line import MOST_MESSAGES, Line, loudness, prepare, samples
from contract_tests.measuring import summarise
from contract_tests.room.door import RoomRefused
from contract_tests.room.line import NoRoomOffered, RoomLine
from contract_tests.settings import TargetSettings
from contract_tests.target import NotChecked

FIRST_WITHIN_S = 2.0
"""How long the caller waits for the agent to speak first."""

OVER_AFTER_S = 0.6
"""How long an agent is silent once it has said what it wanted to."""

ANSWERED_WITHIN_S = 10.0
"""When the agent's answer is due (asyncapi/*.yaml, "Answering")."""

KEYS_ANSWERED_WITHIN_S = 3.0
"""How long the caller waits for an answer to keys: nothing says that there is one."""

CUT_IN_WITHIN_S = 2.0
"""How long the caller waits for more where the agent has spoken while the caller did."""

STOPPED_WITHIN_S = 2.0

SPEECH_RMS = 327.0
"""What is quieter, -40 dBFS, need not be taken for speech: no answer is due to it."""


@dataclass(frozen=True, kw_only=True)
class CallPlan:
    """What a call is to be like.

    Attributes:
        kind: the connection type to dial as.
        to_agent, from_agent: how audio is written, either way; what the call was created with.
        speech: what the caller says, in the format of `to_agent`.
        digits: keys that the caller presses before that; on carriers.
        text: what the caller types before that; on websocket and webrtc.
        duration_s: how long the call may take.
        token: the carrier account's own, which signs its dials; None for none.
        insecure: whether certificates are left unchecked.
    """

    kind: str
    to_agent: AudioFormat
    from_agent: AudioFormat
    speech: bytes = b""
    digits: str = ""
    text: str = ""
    duration_s: float = 30.0
    token: str | None = field(default=None, repr=False)
    insecure: bool = False


def dialled_address(url: str, kind: str) -> str:
    """What is dialled for a websocketUrl: without the fragment, and by carriers without the query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "" if kind in CARRIERS else parts.query, ""))


def signature_headers(kind: str, url: str, token: str, nonce: str) -> dict[str, str]:
    """The headers by which a carrier shows that it is the carrier, for the URL exactly as it was given.

    Sources: twilio.com/docs/usage/security; docs.plivo.com, "audio streaming reference" (its pages disagree on which
    URL is signed); Telnyx's `stream_auth_token` (developers.telnyx.com/api-reference/websockets).
    """
    match kind:
        case "twilio":
            return {"X-Twilio-Signature": _signed(token, url, hashlib.sha1)}
        case "telnyx":
            return {"x-telnyx-streaming-auth-token": token}
        case "plivo":
            signature = _signed(token, f"GET{url}{nonce}", hashlib.sha256)
            return {"X-Plivo-Signature-V3": signature, "X-Plivo-Signature-V3-Nonce": nonce}
    return {}


async def place_call(
    url: str,
    plan: CallPlan,
    *,
    on_progress: Callable[[Line], None] = lambda line: None,
    hang_up: asyncio.Event | None = None,
) -> CallSummary | Refusal:
    """Dial a websocketUrl and have a conversation on it; any host, no redirects.

    Args:
        url: a credential: it is in nothing that comes back but a refusal's reason and body.
        plan: what the caller does.
        on_progress: is shown the line five times a second, and at the end.
        hang_up: ends the call early.
    """
    headers = {}
    if plan.token is not None:
        headers = signature_headers(plan.kind, url, plan.token, secrets.token_hex(16))
    settings = TargetSettings(url=url, api_keys=(), insecure=plan.insecure)
    prepare(plan.kind)
    socket = await open_socket(dialled_address(url, plan.kind), settings, headers)
    if isinstance(socket, Refusal):
        return socket
    opened_at = time.monotonic()
    if plan.kind == "webrtc":
        line: Line = RoomLine(socket, settings, opened_at, any_host=True)
    else:
        line = Line(socket, plan.kind, plan.to_agent, plan.from_agent, opened_at)
    talk = asyncio.create_task(_converse(line, plan))
    told = asyncio.create_task((hang_up or asyncio.Event()).wait())
    watch = asyncio.create_task(_watch(line, on_progress))
    try:
        await asyncio.wait({talk, told}, timeout=plan.duration_s, return_when=asyncio.FIRST_COMPLETED)
        on_progress(line)
        try:
            complaints = talk.result() if talk.done() else []
        except RoomRefused as refusal:
            return summarise(line, [f"the room refuses the token: {refusal}"], "the room could not be joined")
        except NotChecked as reason:
            return summarise(line, [], f"the room could not be joined: {reason}", took_place=False)
        if not line.alive:
            # A room may be closed a moment before the control socket, whose close says why.
            await line.until(lambda: line.closed_at is not None, STOPPED_WITHIN_S)
            return summarise(line, [*complaints, *_wrong_close(line)], _how_it_closed(line, socket.close_reason or ""))
        words = "it was told to" if told.done() else "all was said" if talk.done() else "time was up"
        # A Plivo simulator closes (asyncapi/plivo.yaml, x-unsure): its pages have no stop message.
        if plan.kind in ("twilio", "telnyx"):
            with suppress(TimeoutError):
                async with asyncio.timeout(STOPPED_WITHIN_S):
                    await line.stop()
        return summarise(line, complaints, f"the caller hung up: {words}")
    finally:
        for task in (talk, told, watch):
            task.cancel()
        await asyncio.gather(talk, told, watch, return_exceptions=True)
        await line.close()


async def _converse(line: Line, plan: CallPlan) -> list[str]:
    """The caller's part; what the agent should have done and did not."""
    try:
        await line.connect()
    except NoRoomOffered:
        return ["no room was offered on the control socket"]
    await line.start()
    if await line.hears(0.0, FIRST_WITHIN_S):
        await line.quiet(OVER_AFTER_S, plan.duration_s)
    complaints = []
    if plan.digits and line.alive:
        await line.press(plan.digits)
        await _answered(line, time.monotonic(), KEYS_ANSWERED_WITHIN_S, plan)
    if plan.text and line.alive:
        typed_at = time.monotonic()
        await line.say(TextMessage(text=plan.text))
        if not await _answered(line, typed_at, ANSWERED_WITHIN_S, plan):
            complaints.append(f"no answer within {ANSWERED_WITHIN_S:g} s of the typed text")
    if plan.speech and line.alive:
        line.speak(plan.speech)
        await line.spoken(plan.duration_s)
        cut_in = bool(line.audible(line.spoke_at))
        within_s = CUT_IN_WITHIN_S if cut_in else ANSWERED_WITHIN_S
        due = loudness(samples(plan.speech, plan.to_agent)) > SPEECH_RMS and not cut_in
        if not await _answered(line, line.spoke_until, within_s, plan) and due:
            complaints.append(f"no answer within {ANSWERED_WITHIN_S:g} s of the end of the caller's speech")
    return complaints


async def _answered(line: Line, after_s: float, within_s: float, plan: CallPlan) -> bool:
    """Hear the agent out; False where the call went on and no answer came, in sound or in writing."""

    def answered() -> bool:
        written = (heard.event for heard in line.events(Transcript) if heard.at_s >= after_s)
        return bool(line.audible(after_s)) or any(map(_writes_the_agent, written))

    await line.until(lambda: answered() or not line.alive, within_s)
    if answered():
        await line.quiet(OVER_AFTER_S, plan.duration_s)
        return True
    return not line.alive


def _writes_the_agent(event: object) -> bool:
    return isinstance(event, Transcript) and event.role == "agent" and event.medium == "text"


async def _watch(line: Line, on_progress: Callable[[Line], None]) -> None:
    """Show how the call goes on; an agent that calls a tool is told that this caller has none, or it would wait."""
    answered = 0
    while True:
        for heard in line.events(ToolInvoked)[answered:]:
            answered += 1
            if isinstance(heard.event, ToolInvoked):
                invocation, why = heard.event.invocation_id, "this caller has no tools"
                await line.say(ToolResult(invocation_id=invocation, error=why, error_type="undefined"))
        on_progress(line)
        await asyncio.sleep(0.2)


def _how_it_closed(line: Line, close_reason: str) -> str:
    if len(line.heard) > MOST_MESSAGES:
        return f"the caller gave up: more than {MOST_MESSAGES} messages came"
    if isinstance(line, RoomLine) and line.closed_at is None:
        return "the agent's side closed the room"
    if line.close_code in (None, 1006):
        return "the connection was lost"
    said = next((heard.event.reason for heard in line.heard if isinstance(heard.event, HangUp)), None)
    reason = said or close_reason
    return f"the agent hung up: it closed with {line.close_code}" + (f" ({reason})" if reason else "")


def _wrong_close(line: Line) -> list[str]:
    """What is wrong with how the agent closed: 1000 is right, and 1001 is a server's that goes down (RFC 6455, 7.4)."""
    if line.closed_at is None or line.close_code in (1000, 1001) or len(line.heard) > MOST_MESSAGES:
        return []
    what = "went away without a close" if line.close_code in (None, 1006) else f"closed with {line.close_code}"
    return [f"the agent {what}, expected a close with 1000"]


def _signed(token: str, text: str, digest: Callable[..., object]) -> str:
    return base64.b64encode(hmac.new(token.encode(), text.encode(), digest).digest()).decode()  # type: ignore[arg-type]
