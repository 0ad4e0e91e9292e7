"""The way into the room of a webrtc call: what is taken for a refusal, and what says nothing about a target."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from contract_tests.dialling import NotAllowed
from contract_tests.findings import Verdict
from contract_tests.room.door import NOWHERE, VALIDATE, NoWayIn, RoomRefused, knock, room_address
from contract_tests.settings import TargetSettings
from tests.contract_tests.targets import finding_of, job_named
from tests.running import running_mock

pytestmark = pytest.mark.alone

TOKEN = "aaaa.bbbb.cccc"
REFUSED = {VALIDATE: (401, "the token has expired"), "": (401, "no token"), NOWHERE: (404, "nothing here")}
"""What a LiveKit server says of a bad token, without one, and where there is nothing."""

Answers = Mapping[str, tuple[int, str]]


def settings(url: str = "http://127.0.0.1:3000/api", **more: Any) -> TargetSettings:
    return TargetSettings(url=url, api_keys=("ck_mock_valid",), **more)


async def knocked(answers: Answers) -> bool:
    """Knock at a server with these answers."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split()[1]
        status, body = answers["" if path == VALIDATE and TOKEN not in head else path]
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        return await knock(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", TOKEN, settings())


def test_a_livekit_server_that_takes_the_token_is_known_by_its_word() -> None:
    assert asyncio.run(knocked({VALIDATE: (200, "success")}))


def test_a_server_that_looks_at_tokens_where_livekit_does_refuses_this_one() -> None:
    with pytest.raises(RoomRefused, match="^401 the token has expired$"):
        asyncio.run(knocked(REFUSED))


def test_a_room_that_does_not_exist_is_a_refusal_too() -> None:
    with pytest.raises(RoomRefused, match="^404 no such room$"):
        asyncio.run(knocked({**REFUSED, VALIDATE: (404, "no such room")}))


def test_a_refusal_never_repeats_the_token() -> None:
    with pytest.raises(RoomRefused, match=r"^401 bad: \[room token\]$"):
        asyncio.run(knocked({**REFUSED, VALIDATE: (401, f"bad: {TOKEN}")}))


@pytest.mark.parametrize(
    "answers",
    [
        {VALIDATE: (200, "<html>welcome</html>")},
        {**REFUSED, VALIDATE: (401, "<html>sign in</html>")},
        {**REFUSED, NOWHERE: (401, "no key")},
        {**REFUSED, VALIDATE: (404, "not found"), "": (404, "not found")},
        {VALIDATE: (302, "")},
    ],
    ids=["a page", "a page to sign in", "401 whatever is asked", "404 whatever is asked", "a redirect"],
)
def test_what_may_be_no_livekit_server_refuses_nothing(answers: Answers) -> None:
    assert not asyncio.run(knocked(answers))


def test_a_server_without_time_refuses_nothing() -> None:
    with pytest.raises(NoWayIn, match="503"):
        asyncio.run(knocked({VALIDATE: (503, "")}))


@pytest.mark.parametrize(
    ("room_url", "more", "address"),
    [
        ("ws://127.0.0.1:7880", {}, "ws://127.0.0.1:7880"),
        ("http://localhost:7880/", {}, "ws://localhost:7880"),
        ("https://[::1]/livekit/?a=b#c", {}, "wss://[::1]/livekit"),
        ("wss://rooms.example", {"allowed_ws_hosts": ("rooms.example",)}, "wss://rooms.example"),
        ("ws://livekit:7880", {"ws_url_rewrites": (("ws://livekit:", "ws://127.0.0.1:"),)}, "ws://127.0.0.1:7880"),
    ],
)
def test_a_room_on_a_host_that_may_be_dialled_has_an_address(room_url: str, more: dict[str, Any], address: str) -> None:
    assert room_address(room_url, settings(**more)) == address


def test_a_room_elsewhere_is_not_joined_unless_that_is_allowed() -> None:
    with pytest.raises(NotAllowed, match=r"^roomUrl leads to rooms\.example, .*--allow-ws-host rooms\.example$"):
        room_address("wss://rooms.example", settings())
    assert room_address("wss://rooms.example", settings(), any_host=True) == "wss://rooms.example"


@pytest.mark.parametrize(
    ("livekit_url", "reason"),
    [
        ("ws://livekit.example", "--allow-ws-host livekit.example"),
        ("ws://127.0.0.1:1", "no LiveKit server answers at roomUrl"),
    ],
)
def test_a_room_that_cannot_be_reached_is_not_checked(livekit_url: str, reason: str) -> None:
    with running_mock(livekit_url=livekit_url, livekit_key="devkey", livekit_secret="secret") as mock:
        finding = finding_of(mock.base_url, job_named("webrtc.join"))
    assert finding.verdict is Verdict.NOT_CHECKED
    assert reason in finding.reason


def test_the_target_itself_in_the_place_of_a_livekit_server_is_not_checked() -> None:
    with (
        running_mock() as other,
        running_mock(
            livekit_url=f"ws{other.base_url.removeprefix('http')}/no/room",
            livekit_key="devkey",
            livekit_secret="secret",
        ) as mock,
    ):
        finding = finding_of(mock.base_url, job_named("webrtc.join"))
    assert finding.verdict is Verdict.NOT_CHECKED
    assert "no LiveKit server answers at roomUrl" in finding.reason


def test_without_the_library_no_call_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "contract_tests.room.participant", None)
    with running_mock() as mock:
        finding = finding_of(mock.base_url, job_named("webrtc.greeting"))
        assert len(mock.mock.store) == 0
    assert finding.reason == 'install the extra livekit (pip install "calls-contract[livekit]")'


def test_a_call_that_waited_so_long_that_it_was_made_anew_is_the_one_that_is_dialled_again() -> None:
    with running_mock() as mock:
        # Whatever waits at all has waited too long.
        finding = finding_of(mock.base_url, job_named("webrtc.leave"), url_ttl_s=0.001)
    assert finding.verdict is Verdict.PASSED, finding.cases
