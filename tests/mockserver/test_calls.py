from __future__ import annotations

import re

import pytest

from contract.overlays import http_contract
from mockserver.accounts import Accounts
from mockserver.calls import media_url
from mockserver.http import http_app
from mockserver.ids import Ids
from mockserver.settings import Settings
from mockserver.store import CallSettings, SavedAgent
from tests.mockserver.mock import BODIES, CREATE, INLINE, RATES, VALID, Mock, error, message, mock

PATHS = [base + path for base in ("/api/v1", "") for path in BODIES]


def created_settings(server: Mock) -> CallSettings:
    """The settings of the call that was created last."""
    call = server.store.take(server.tokens[-1], server.clock())
    assert call is not None
    return call.settings


@pytest.mark.parametrize("path", PATHS)
def test_a_call_is_created_under_both_base_paths(path: str) -> None:
    server = mock()
    response = server.post(path, BODIES[path.removeprefix("/api/v1")])
    assert response.status_code == 201
    body = response.json()
    assert re.fullmatch("c[0-9a-z]{24}", body["id"])
    assert body["websocketUrl"] == f"ws://127.0.0.1:8080/media/{server.tokens[-1]}"
    assert (body["status"], body["connectionType"]) == ("created", "twilio")
    assert body["createdAt"] == "2026-11-22T10:23:16.512Z"
    assert response.headers["location"] == path.rpartition("/")[0] + "/" + body["id"]
    assert response.headers["cache-control"] == "no-store"


def test_create_tells_which_agent_was_called() -> None:
    agent = mock().post("/calls/create", CREATE).json()["agent"]
    assert agent == {"id": "agent_demo", "name": "Demo agent", "description": "Repeats what you say"}


def test_inline_has_no_agent() -> None:
    assert "agent" not in mock().post("/calls/inline", INLINE).json()


def test_an_agent_that_was_added_exists() -> None:
    response = mock(agents=(("agent_x", "Xenia"),)).post("/calls/create", {"agentId": "agent_x"})
    assert response.json()["agent"] == {"id": "agent_x", "name": "Xenia"}


def test_with_any_agent_every_id_exists() -> None:
    response = mock(any_agent=True).post("/calls/create", {"agentId": "agent ☎"})
    assert response.json()["agent"] == {"id": "agent ☎", "name": "agent ☎"}


def test_an_unknown_agent_is_404_and_says_which_option_helps() -> None:
    response = mock().post("/calls/create", {"agentId": "agent_x"})
    assert error(response) == (404, "RESOURCE_NOT_FOUND")
    assert '"agent_x"' in message(response)
    assert all(word in message(response) for word in ("agent_demo", "--agent", "CALLS_AGENTS", "--any-agent"))


def test_an_agent_id_that_may_be_a_secret_is_not_repeated() -> None:
    response = mock().post("/calls/create", {"agentId": "ck_prod_0123456789"})
    assert message(response).startswith("agentId: this string is no agent's id; the mock has agent_demo; ")


@pytest.mark.parametrize("kind", ["twilio", "telnyx", "plivo", "websocket", "webrtc"])
def test_inline_takes_every_connection_type(kind: str) -> None:
    response = mock().post("/calls/inline", {**INLINE, "connectionType": kind, "websocket": RATES})
    assert response.status_code == 201
    assert response.json()["connectionType"] == kind


@pytest.mark.parametrize("kind", ["twilio", "telnyx", "plivo", "websocket"])
def test_create_takes_every_connection_type_but_webrtc(kind: str) -> None:
    response = mock().post("/calls/create", {**CREATE, "connectionType": kind, "websocket": RATES})
    assert response.json()["connectionType"] == kind


def test_create_refuses_webrtc_and_says_which_overlay_does_not() -> None:
    response = mock().post("/calls/create", {**CREATE, "connectionType": "webrtc"})
    assert error(response) == (400, "VALIDATION_ERROR")
    assert message(response) == (
        'connectionType: "webrtc" is not one of twilio, telnyx, plivo, websocket '
        "(calls mock --overlay webrtc-on-create lets it through)"
    )


@pytest.mark.parametrize("path", BODIES)
def test_a_key_without_credit_is_402(path: str) -> None:
    response = mock().post(path, BODIES[path], key="ck_mock_no_credit")
    assert error(response) == (402, "PAYMENT_REQUIRED")


def test_a_refused_call_is_not_stored() -> None:
    server = mock()
    server.post("/calls/create", CREATE, key="ck_mock_no_credit")
    server.post("/calls/create", {"agentId": "agent_x"})
    server.post("/calls/create", {})
    assert len(server.store) == 0


def test_ids_and_tokens_are_unique() -> None:
    server = mock()
    bodies = [server.post("/calls/create", CREATE).json() for _ in range(50)]
    assert len({body["id"] for body in bodies}) == len({body["websocketUrl"] for body in bodies}) == 50


def test_tokens_hold_enough_chance_and_nothing_of_the_key() -> None:
    server = mock()
    server.app = http_app(
        settings=Settings(),
        accounts=Accounts(salt=b""),
        rate_limiter=server.limiter,
        store=server.store,
        clock=server.clock,
        contract=http_contract(),
        base_url="http://127.0.0.1:8080",
    )
    urls = {server.post("/calls/create", CREATE).json()["websocketUrl"] for _ in range(20)}
    assert len(urls) == 20
    # 43 characters of base 64 are 256 bits.
    assert all(re.fullmatch(r"ws://127\.0\.0\.1:8080/media/[A-Za-z0-9_-]{43}", url) for url in urls)
    assert not any(VALID in url for url in urls)


def test_random_ids_look_like_the_services() -> None:
    make = Ids()
    ids = {make.call_id() for _ in range(2000)}
    assert len(ids) == 2000 and all(re.fullmatch("c[0-9a-z]{24}", one) for one in ids)


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/media/"),
        ("https://tunnel.example", "wss://tunnel.example/media/"),
        ("ws://tunnel.example:81", "ws://tunnel.example:81/media/"),
        ("wss://tunnel.example/behind/proxy/", "wss://tunnel.example/behind/proxy/media/"),
    ],
)
def test_the_dial_url_begins_with_where_the_server_is_reached(base_url: str, expected: str) -> None:
    assert media_url(base_url) == expected


def test_the_host_header_never_shows_in_an_answer() -> None:
    # The client of these tests says `Host: attacker.example`.
    for path in ("/calls/create", "/calls/create/"):
        response = mock().post(path, CREATE, headers={"X-Forwarded-Host": "attacker.example"})
        assert "attacker" not in response.text + str(response.headers)


def test_a_call_expires_after_the_urls_life() -> None:
    server = mock(url_ttl_s=5.0)
    server.post("/calls/create", CREATE)
    server.clock.pass_s(5)
    assert server.store.take(server.tokens[-1], server.clock()) is None


def test_a_thousand_calls_that_nobody_dials_leave_nothing_behind() -> None:
    server = mock(rate_limit_per_hour=0)
    for _ in range(1000):
        server.post("/calls/create", CREATE)
    assert len(server.store) == 1000
    server.clock.pass_s(61)
    server.post("/calls/create", CREATE)
    assert len(server.store) == 1


def test_inline_fills_the_documents_defaults_in() -> None:
    server = mock()
    server.post("/calls/inline", INLINE)
    assert created_settings(server) == CallSettings(
        connection_type="twilio",
        voice="Mark",
        language="en",
        greeting="Hello!",
        first_speaker="agent",
        interruptible=False,
        max_duration_s=3000,
        inactivity_timeout_s=None,
        inactivity_action="prompt",
        recording_enabled=True,
    )


def test_inline_keeps_what_the_mock_acts_on() -> None:
    server = mock()
    tools: list[dict[str, object]] = [
        {"toolName": "opening-hours"},
        {"temporaryTool": {"modelToolName": "show", "client": {}}},
    ]
    asked = {
        **INLINE,
        "model": "llama",
        "temperature": 0.3,
        "firstSpeaker": "user",
        "interruptible": True,
        "maxDuration": 300,
        "inactivityTimeout": 20,
        "inactivityAction": "hang_up",
        "recordingEnabled": False,
        "connectionType": "websocket",
        "websocket": {**RATES, "codec": "g711", "enableAudioBuffering": True},
        "selectedTools": tools,
        "metadata": {"ticket": None},
        "unknown": "ignored",
    }
    assert server.post("/api/v1/calls/inline", asked).status_code == 201
    assert created_settings(server) == CallSettings(
        connection_type="websocket",
        voice="Mark",
        language="en",
        greeting="Hello!",
        first_speaker="user",
        interruptible=True,
        max_duration_s=300,
        inactivity_timeout_s=20,
        inactivity_action="hang_up",
        input_rate_hz=16000,
        output_rate_hz=24000,
        codec="g711",
        tools=tools,
        recording_enabled=False,
    )


def test_the_codec_of_a_custom_client_is_pcm_by_default() -> None:
    server = mock()
    server.post("/calls/create", {**CREATE, "connectionType": "websocket", "websocket": RATES})
    settings = created_settings(server)
    assert (settings.codec, settings.input_rate_hz, settings.output_rate_hz) == ("pcm", 16000, 24000)


def test_carriers_carry_mu_law_whatever_was_asked() -> None:
    server = mock()
    server.post("/calls/create", {**CREATE, "connectionType": "telnyx", "websocket": {**RATES, "codec": "pcm"}})
    settings = created_settings(server)
    assert (settings.codec, settings.input_rate_hz, settings.output_rate_hz) == ("g711", 8000, 8000)


def test_create_ignores_what_only_inline_may_ask() -> None:
    server = mock()
    server.post("/calls/create", {**CREATE, "greeting": "Not mine", "maxDuration": 1, "firstSpeaker": 7})
    settings = created_settings(server)
    assert settings.agent == SavedAgent(id="agent_demo", name="Demo agent", description="Repeats what you say")
    assert settings.greeting == "Hello, this is the demo agent. Say something and I will repeat it."
    assert (settings.max_duration_s, settings.first_speaker) == (3000, "agent")
