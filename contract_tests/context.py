"""What a check is given: the target, the means to call and dial it, and a place to say what is wrong."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from websockets.asyncio.client import ClientConnection

from contract.audio import AudioFormat, Encoding
from contract.events import ToolInvoked
from contract_tests.caller import spoken_turn
from contract_tests.deciding import overruled
from contract_tests.dialling import (
    OPEN_WITHIN_S,
    REFUSED_WITHIN_S,
    Refusal,
    dial_address,
    open_socket,
    refusal_of,
)
from contract_tests.findings import Case
from contract_tests.judge import Judge, Lease
from contract_tests.legality import first_forbidden
from contract_tests.line import Line
from contract_tests.parsing import json_value
from contract_tests.places import Places
from contract_tests.raw import raced
from contract_tests.room.line import RoomLine
from contract_tests.secrets_kept import shows
from contract_tests.settings import Profile
from contract_tests.target import PATHS, Exchange, Meant, NotChecked, SharedConnection

MULAW = AudioFormat(Encoding.MULAW, 8000)
ALAW = AudioFormat(Encoding.ALAW, 8000)

SHORT_GREETING = "Hello, this is a test call. How can I help you?"
LONG_GREETING = (
    "Hello and welcome to this test call. This greeting is long on purpose, so that there is time enough to interrupt "
    "it while it is being said, and it says nothing of any interest."
)
SPARE_LASTS_S = 60.0
MOST_SPARE_BYTES = 2000
"""A call that ends sooner, or was asked for in more words, is not dialled by another check."""

SYSTEM_PROMPT = "You are the friendly receptionist of a bicycle shop. Answer every question with one short sentence."


@dataclass(frozen=True)
class Call:
    """A call that was created: what was asked for, and the answer; the line that is kept for it."""

    request: dict[str, Any]
    exchange: Exchange
    body: dict[str, Any]
    lease: Lease | None = field(default=None, compare=False, repr=False)

    @property
    def url(self) -> str:
        """Its websocketUrl, empty where there is none."""
        url = self.body.get("websocketUrl")
        return url if isinstance(url, str) else ""


class NotDialled(NotChecked):
    """A call that could not be dialled."""

    def __init__(self, call: Call, reason: str) -> None:
        super().__init__(f"the call could not be dialled ({reason}); websocket-url.dialable says more")
        self.call = call
        self.reason = reason


class Context:
    """One check's run in one variant.

    Attributes:
        variant: the operation or connection type.
        attempt: 1, or more where a violation has to show again.
        soon: whether its calls come before those of others that wait for a free line.
        newest: how many of the run's exchanges a look ahead sees, so that it is quick; None for all.
        cases: what was wrong so far.
        shown: the exchanges that showed it.
        cause: what most likely causes it; the requirement's own words where a check says nothing.
        looks_back_to: when the first of what it looked at began: recordings may be older than the check.
        requests: how many it has made of the two operations.
        held_up: whether this machine was too busy for the check to come to an end.
    """

    def __init__(
        self, judge: Judge, variant: str, attempt: int = 1, *, soon: bool = False, newest: int | None = None
    ) -> None:
        self.judge = judge
        self.settings = judge.settings
        self.target = judge.target
        self.variant = variant
        self.attempt = attempt
        self.soon = soon
        self.newest = newest
        self.cases: list[Case] = []
        self.shown: list[Exchange] = []
        self.cause = ""
        self.looks_back_to = time.monotonic()
        self.requests = 0
        self.held_up = False
        self._places: Places | None = None
        self._task: asyncio.Task[Any] | None = None

    def takes_one_of(self, places: Places) -> None:
        """Learn what this task holds one of while the check runs."""
        self._places, self._task = places, asyncio.current_task()

    async def recording(self, name: str, record: Callable[[], Awaitable[Any]]) -> Any:
        """What came of a scenario that several checks look at; it is played once in a run.

        Who waits for one that another check has begun lets others go on meanwhile.
        """
        if self._places is not None and self.judge.is_playing(name) and asyncio.current_task() is self._task:
            async with self._places.left():
                found, began_at = await self.judge.recording(name, record)
        else:
            found, began_at = await self.judge.recording(name, record)
        self.looks_back_to = min(self.looks_back_to, began_at)
        return found

    @property
    def seen(self) -> Sequence[Exchange]:
        """The exchanges of the run so far, in the order in which the answers came."""
        exchanges = self.target.journal.exchanges
        return exchanges if self.newest is None else exchanges[-self.newest :]

    # saying what is wrong

    def wrong(self, expected: str, received: str, *shown: Exchange | str, cause: str = "") -> None:
        """Write down a violation; exchanges are shown as the commands that repeat them."""
        redact = self.judge.secrets.redact
        self.shown += [item for item in shown if not isinstance(item, str)]
        lines = tuple(redact(item if isinstance(item, str) else self.target.curl(item)) for item in shown)
        self.cases.append(Case(expected=redact(expected), received=redact(received)[:2000], reproduce=lines))
        self.cause = self.cause or redact(cause)

    # HTTP

    def valid(self, operation: str | None = None, **changes: Any) -> dict[str, Any]:
        """A valid request body of an operation; a change of None leaves the field out."""
        body: dict[str, Any]
        if (operation or self.variant) == "create":
            self.needs_agent()
            body = {"agentId": self.settings.agent}
        else:
            body = {
                "systemPrompt": SYSTEM_PROMPT,
                "voice": self.settings.voice,
                "language": self.settings.language,
                "greeting": SHORT_GREETING,
            }
            if self.settings.model is not None:
                body["model"] = self.settings.model
        return {name: value for name, value in (body | changes).items() if value is not None}

    def needs_agent(self) -> None:
        """Raise NotChecked where no saved agent is known."""
        if self.settings.agent is None:
            raise NotChecked("no agent is known: --agent ID")

    async def post(
        self,
        operation: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        key: str | None = "",
        media_type: str | None = "application/json",
        headers: Mapping[str, str] | None = None,
        meant: Meant = Meant.FREE,
        query: str = "",
        limit_matters: bool = False,
        by: SharedConnection | None = None,
    ) -> Exchange:
        """POST to an operation; with a working key unless another (or None) is given."""
        raw = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass") if content is None else content
        sent = dict(headers or {})
        if media_type is not None:
            sent["Content-Type"] = media_type
        self.requests += 1
        return await self.target.request(
            "POST",
            PATHS[operation],
            key=self.target.key() if key == "" else key,
            content=raw,
            headers=sent,
            operation=operation,
            meant=meant,
            query=query,
            limit_matters=limit_matters,
            by=by,
        )

    async def accepted(self, operation: str, body: Any, what: str, **options: Any) -> Exchange:
        """POST what must be accepted; anything but 201 is written down.  What an overlay forbids must be refused."""
        if self.overruled(operation, options.get("content", body)) is False:
            return await self.refused(operation, body, f"{what}, which the overlay forbids", **options)
        exchange = await self.post(operation, body, meant=Meant.VALID, **options)
        if exchange.status != 201:
            self.wrong(f"201: {what} is allowed", self.target.shown(exchange), exchange)
        return exchange

    async def refused(self, operation: str, body: Any, what: str, *statuses: int, **options: Any) -> Exchange:
        """POST what must be refused, with 400 or one of the statuses; anything else is written down.

        What an overlay allows must be accepted.
        """
        if self.overruled(operation, options.get("content", body)) is True:
            return await self.accepted(operation, body, f"by the overlay, a request of which {what}", **options)
        exchange = await self.post(operation, body, meant=Meant.INVALID, **options)
        wanted = statuses or (400,)
        if exchange.status not in wanted:
            self.wrong(f"{' or '.join(map(str, wanted))}: {what}", self.target.shown(exchange), exchange)
        return exchange

    def overruled(self, operation: str, body: Any) -> bool | None:
        """Whether overlays allow what the plain contract refuses (True) or the reverse; `body` may be JSON in bytes."""
        value = json_value(body) if isinstance(body, bytes) else body
        return overruled(operation, value, self.settings.overlays)

    @property
    def deep(self) -> bool:
        """Whether there is room for what is seldom wrong."""
        return self.settings.profile is Profile.DEEP

    @property
    def takes_all(self) -> bool:
        """Whether what is halved between the operations is sent whole: in deep runs, and where only one is judged."""
        return self.deep or self.settings.agent is None

    @property
    def hasty(self) -> bool:
        """Whether there is only time for what takes a few seconds."""
        return self.settings.profile is Profile.SMOKE

    # calls

    async def call(
        self, operation: str = "inline", load: Callable[[], object] | None = None, /, **changes: Any
    ) -> Call:
        """A call to dial, newly created.  Raises NotChecked where the target creates none: other checks say so.

        Its maxDuration is long, unless one is given (None leaves it out): no call is to end while it is looked at.  It
        waits until there is a line to dial it with: nobody knows how long its URL lives.  What `load` loads, or
        raises, comes before it is created: in that time others would take all the lines.
        """
        await self.judge.open_lines.enter(first=self.soon)
        lease = Lease(self.judge.open_lines, self.judge.stale_s)
        try:
            if load is not None:
                await asyncio.to_thread(load)
            return replace(await self._created(operation, changes), lease=lease)
        except BaseException:
            lease.end()
            raise

    async def _created(self, operation: str, changes: Mapping[str, Any]) -> Call:
        if operation == "inline":
            changes = {"maxDuration": self.long_s, **changes}
        body = self.valid(operation, **changes)
        exchange = await self.post(operation, body, meant=Meant.VALID)
        created = exchange.json_object()
        if exchange.status != 201 or not isinstance(created.get("websocketUrl"), str):
            shown = self.target.shown(exchange, 200)
            raise NotChecked(f"no call could be created ({shown}); the checks of /calls/{operation} say more")
        self.judge.take(created["websocketUrl"])
        return Call(body, exchange, created)

    async def any_call(self, operation: str = "", kind: str = "twilio", *, greets: bool = False) -> Call:
        """A call of a connection type to dial, however it talks (or one that greets), of one operation or of any.

        It is one that was created just now for the sake of its answer, if there is one that nobody dials; else a new
        one.  Raises NotChecked as `call` does.
        """
        for exchange in reversed(self.target.journal.exchanges):
            if exchange.status == 201 and time.time() - exchange.answered_at > self.judge.stale_s:
                break
            call = self._spare(exchange, operation, kind)
            if call is not None and (not greets or _greets(call)) and self.judge.take(call.url):
                return call
        return await self.call(operation or "inline", **audio_settings(kind))

    async def undialled(self, operation: str, kind: str) -> Call:
        """A call of an operation and a connection type that nobody dialled, however long ago, or else a new one.

        No line is kept for it.  Raises NotChecked as `call` does.
        """
        for exchange in self.target.journal.exchanges:
            call = self._spare(exchange, operation, kind)
            if call is not None and self.judge.take(call.url):
                return call
        return await self._created(operation, audio_settings(kind))

    def _spare(self, exchange: Exchange, operation: str, kind: str) -> Call | None:
        """The call that an exchange created, if it is a plain one of this operation and connection type."""
        if exchange.status != 201 or exchange.meant is not Meant.VALID or not exchange.operation.startswith(operation):
            return None
        request = json_value(exchange.content) if len(exchange.content) <= MOST_SPARE_BYTES else None
        if not isinstance(request, dict) or request.get("connectionType", "twilio") != kind:
            return None
        if "inactivityTimeout" in request or self.scaled(request.get("maxDuration", 3000)) < SPARE_LASTS_S:
            return None
        call = Call(request, exchange, exchange.json_object())
        return call if call.url else None

    async def dial(self, call: Call | str, **options: Any) -> Any:
        """What dialling gives: a ClientConnection, or a Refusal.  Raises NotChecked for a host that is not allowed."""
        return await open_socket(self.dialled(call), self.settings, **options)

    async def raced(self, call: Call, dials: int) -> int:
        """How many of so many dials of a call at the same moment open.  Raises NotChecked as `dial` does."""
        address = self.dialled(call, dials)
        within = {"within_s": OPEN_WITHIN_S, "refused_within_s": REFUSED_WITHIN_S}
        return await raced(address, self.settings, dials, **within)

    def dialled(self, call: Call | str, dials: int = 1) -> str:
        """The address to dial; the dials count, and a line that was kept for the call is free."""
        self.target.journal.dials += dials
        if isinstance(call, Call) and call.lease is not None:
            call.lease.end()
        return dial_address(call if isinstance(call, str) else call.url, self.settings)

    async def refusal(self, call: Call | str, **options: Any) -> Refusal | None:
        """Dial a call, and tell how that was refused; None where it was not, and the socket is closed again."""
        return await refusal_of(await self.dial(call, **options))

    async def opens(self, call: Call) -> bool:
        """Whether a dial of the call opens a WebSocket, which stays open only for this moment."""
        return await refusal_of(await self.dial(call), within_s=0.7) is None

    @asynccontextmanager
    async def line(
        self, call: Call, *, to_agent: AudioFormat | None = None, begin: bool = True, rubbish: bool = False
    ) -> AsyncIterator[Line]:
        """The call, dialled and (unless told otherwise) begun; closed at the end.

        What the agent says on it must be as the document has it, which `media.messages` looks at, unless the caller
        talks `rubbish`: that may come back.

        Raises NotDialled where it cannot be dialled: `websocket-url.dialable` says so.
        """
        kind = str(call.request.get("connectionType", "twilio"))
        heard, said = formats(call.request)
        async with self._socket(call) as (call, socket):
            line = Line(socket, kind, to_agent or heard, said, time.monotonic())
            if not rubbish:
                secrets = self.judge.secrets
                line.on_fault = lambda: self.judge.forbid(
                    kind, str(first_forbidden(line, secrets)), self.dial_command(call)
                )
            try:
                if begin:
                    await line.connect()
                    await line.start()
                yield line
            finally:
                await line.close()
                self._look_for_keys(call, line)
                # A saved agent may have tools of its own.
                has_none = call.exchange.operation == "inline" and not call.request.get("selectedTools")
                if has_none and line.events(ToolInvoked):
                    self.judge.forbid(kind, "client_tool_invocation: on a call without tools", self.dial_command(call))
                if line.lets_go is not None and not rubbish:
                    self.judge.hung_up[kind].append((line.lets_go, self.dial_command(call)))

    @asynccontextmanager
    async def room(self, call: Call) -> AsyncIterator[tuple[Call, RoomLine]]:
        """A webrtc call, dialled, whose room was offered; to join it is `start`.  Closed at the end.

        It is another call like it where this one waited too long.

        Raises NotDialled as `line` does, and NotChecked where no room is offered: `webrtc.control-message` says so.
        """
        async with self._socket(call) as (call, socket):
            line = RoomLine(socket, self.settings, time.monotonic())
            try:
                await line.connect()
                if line.offer is not None:
                    self.judge.secrets.add(line.offer.token, "[room token]")
                yield call, line
            finally:
                await line.close()
                self._look_for_keys(call, line)

    def _look_for_keys(self, call: Call, line: Line) -> None:
        """Write down where the agent's side told one of the keys to who dialled."""
        texts = [heard.wire for heard in line.heard if isinstance(heard.wire, str)]
        self.judge.told += len(texts)
        if any(shows(text, key) for key in self.settings.api_keys for text in texts):
            self.judge.leaks.append((line.kind, self.dial_command(call)))

    @asynccontextmanager
    async def _socket(self, call: Call) -> AsyncIterator[tuple[Call, ClientConnection]]:
        """The call, or one like it where it waited too long, and its socket, dialled; who is given it closes it."""
        if call.lease is None or not call.lease.take():
            await self.judge.open_lines.enter(first=self.soon)
        try:
            if time.time() - call.exchange.answered_at > self.judge.stale_s:
                # It waited for a free line so long that its URL may have expired.
                changes = {"maxDuration": call.request.get("maxDuration"), **call.request}
                call = await self._created(call.exchange.operation, changes)
            socket = await self.dial(call)
            if isinstance(socket, Refusal):
                raise NotDialled(call, socket.reason)
            yield call, socket
        finally:
            self.judge.open_lines.leave()

    def speech(self, line: Line) -> bytes:
        """What the caller says, as this line carries it."""
        return spoken_turn(line.to_agent, self.settings.caller_audio)

    def scaled(self, seconds: float) -> float:
        """How long a clock of the call takes on this target, in real seconds."""
        return seconds / self.settings.time_scale

    def setting_s(self, real_s: float, *, least: int, most: int) -> int:
        """The legal setting of a call's clock that takes about so many real seconds on this target."""
        return max(least, min(most, round(real_s * self.settings.time_scale)))

    @property
    def long_s(self) -> int:
        """A maxDuration that gives a call two real minutes on this target's clock, or as much as is legal."""
        return int(min(7200, max(120, 120 * self.settings.time_scale)))

    def dial_command(self, call: Call, more: str = "") -> tuple[str, str]:
        """The two commands that create this call and dial it."""
        kind = call.request.get("connectionType", "twilio")
        return self.target.curl(call.exchange), f"calls dial WEBSOCKET_URL --as {kind}{more}"


def formats(request: Mapping[str, Any]) -> tuple[AudioFormat, AudioFormat]:
    """How a call's audio is written, towards the agent and from it."""
    if request.get("connectionType") != "websocket":
        return MULAW, MULAW
    asked = request["websocket"]
    encoding = Encoding.MULAW if asked.get("codec") == "g711" else Encoding.PCM16
    return AudioFormat(encoding, asked["inputSampleRate"]), AudioFormat(encoding, asked["outputSampleRate"])


def made_up_agent() -> str:
    """The id of an agent that does not exist."""
    return "c" + uuid.uuid4().hex[:24]


def _greets(call: Call) -> bool:
    """Whether a call begins with the greeting that calls have where nothing else is asked: short, and of words."""
    return call.request.get("greeting") == SHORT_GREETING and call.request.get("firstSpeaker") != "user"


def audio_settings(kind: str, **changes: Any) -> dict[str, Any]:
    """The fields of a request that ask for a connection type."""
    asked: dict[str, Any] = {"connectionType": kind}
    if kind == "websocket":
        asked["websocket"] = {"inputSampleRate": 16000, "outputSampleRate": 16000, **changes}
    return asked
