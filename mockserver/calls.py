"""The two operations: a validated request in, a call created, its answer out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from mockserver.accounts import Standing
from mockserver.errors import AgentNotFound, NoCredit
from mockserver.exchange import Exchange, Handled
from mockserver.scenarios import SCENARIOS
from mockserver.settings import DEMO_AGENT
from mockserver.store import Call, CallSettings, CallStore, SavedAgent
from mockserver.wording import shown

_SHARED = {"connectionType": "connection_type"}
"""Fields of both requests, and the names that they have in CallSettings."""

_INLINE = _SHARED | {
    "voice": "voice",
    "language": "language",
    "greeting": "greeting",
    "firstSpeaker": "first_speaker",
    "interruptible": "interruptible",
    "maxDuration": "max_duration_s",
    "inactivityTimeout": "inactivity_timeout_s",
    "inactivityAction": "inactivity_action",
    "selectedTools": "tools",
    "recordingEnabled": "recording_enabled",
}

_AUDIO = {
    "inputSampleRate": "input_rate_hz",
    "outputSampleRate": "output_rate_hz",
    "codec": "codec",
}
"""Fields of the object `websocket`."""


@dataclass(frozen=True, kw_only=True)
class Calls:
    """The operations.

    Attributes:
        media_url: what goes before the token in `websocketUrl`, with its last slash.
        store: where calls wait.
        agents: the saved agents by id; with `any_agent` every other id exists, too.
        any_agent: whether it does.
        url_ttl: within which a call must be dialled.
        clock: the time of day in UTC.
        shown_at: what answers show instead of it; None for the time that it is.
        new_id: makes ids, unique.
        new_token: makes tokens, unguessable.
    """

    media_url: str
    store: CallStore
    agents: Mapping[str, SavedAgent]
    any_agent: bool
    url_ttl: timedelta
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    new_token: Callable[[], str]
    shown_at: datetime | None = None

    async def create(self, exchange: Exchange) -> Handled:
        """`createCall`: a call to a saved agent.  Raises NoCredit, AgentNotFound."""
        _must_have_credit(exchange)
        agent = self._agent(exchange)
        settings = CallSettings(
            agent=agent, greeting=agent.greeting, **_named(exchange.body, _SHARED), **_audio(exchange.body)
        )
        return self._created("create", settings, exchange)

    async def create_inline(self, exchange: Exchange) -> Handled:
        """`createInlineCall`: a call whose request says everything.  Raises NoCredit."""
        _must_have_credit(exchange)
        settings = CallSettings(**_named(exchange.body, _INLINE), **_audio(exchange.body))
        return self._created("inline", settings, exchange)

    def _agent(self, exchange: Exchange) -> SavedAgent:
        agent_id = exchange.body["agentId"]
        agent = self.agents.get(agent_id)
        if agent is None and self.any_agent:
            return SavedAgent(id=agent_id, name=agent_id)
        if agent is None:
            raise AgentNotFound(shown(agent_id, key=exchange.key))
        return agent

    def _created(self, kind: Literal["create", "inline"], settings: CallSettings, exchange: Exchange) -> Handled:
        now = self.clock()
        mishap = exchange.mishap
        call = Call(
            id=self.new_id(),
            token=self.new_token(),
            kind=kind,
            settings=settings,
            created_at=now,
            expires_at=now if mishap.dial == "expired" else now + self.url_ttl,
            mishap=mishap,
        )
        self.store.add(call)
        headers = [(b"location", f"{exchange.base_path}/calls/{call.id}".encode()), (b"cache-control", b"no-store")]
        return self._body(call), 201, headers

    def _body(self, call: Call) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": call.id,
            "websocketUrl": self.media_url + call.token,
            "status": "created",
            "connectionType": call.settings.connection_type,
            "createdAt": _rfc3339(self.shown_at or call.created_at),
        }
        if (agent := call.settings.agent) is not None:
            body["agent"] = {"id": agent.id, "name": agent.name}
            if agent.description is not None:
                body["agent"]["description"] = agent.description
        return body


def saved_agents(named: Iterable[tuple[str, str]]) -> dict[str, SavedAgent]:
    """The demo agent, those of the scenarios, and those that the options name (id and name), by id."""
    demo = SavedAgent(id=DEMO_AGENT, name="Demo agent", description="Repeats what you say")
    staged = {
        scenario.agent_id: SavedAgent(
            id=scenario.agent_id, name=scenario.name.replace("_", " ").capitalize(), description=scenario.shows
        )
        for scenario in SCENARIOS
        if scenario.status == 201
    }
    own = {agent_id: SavedAgent(id=agent_id, name=name) for agent_id, name in named}
    return {DEMO_AGENT: demo} | staged | own


def media_url(base_url: str) -> str:
    """What goes before the token in a `websocketUrl`: ws for http, wss for https."""
    scheme, _, rest = base_url.partition("://")
    secure = {"http": "ws", "https": "wss"}.get(scheme, scheme)
    return f"{secure}://{rest.rstrip('/')}/media/"


def _rfc3339(moment: datetime) -> str:
    """A time in UTC, to the millisecond."""
    return f"{_rfc3339_second(int(moment.timestamp()))}.{moment.microsecond // 1000:03d}Z"


@functools.lru_cache(maxsize=4)
def _rfc3339_second(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _must_have_credit(exchange: Exchange) -> None:
    if exchange.account is not None and exchange.account.standing is Standing.NO_CREDIT:
        raise NoCredit()


def _named(body: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a body that a table names, under our names; unknown ones are ignored."""
    return {ours: body[theirs] for theirs, ours in names.items() if theirs in body}


def _audio(body: Mapping[str, Any]) -> dict[str, Any]:
    """What `websocket` says, where it counts: carriers and rooms have audio of their own."""
    return _named(body["websocket"], _AUDIO) if body["connectionType"] == "websocket" else {}
