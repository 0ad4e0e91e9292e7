"""Outcomes that are asked for: by a magic agent, `metadata.mock`, `Prefer`, a file of sequences, an option."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from calls import mock as mock_command
from calls import scenario_table
from calls.welcome import welcome
from contract import documents
from contract.errors import DocumentError
from mockserver import testing
from mockserver.option import SettingsError
from mockserver.scenarios import CREATE, INLINE, SCENARIOS, Scenario
from mockserver.settings import Settings
from tests.clients.raw_socket import RawSocket
from tests.mockserver.mock import CREATE as CREATE_BODY
from tests.mockserver.mock import INLINE as INLINE_BODY
from tests.mockserver.mock import mock
from tests.running import VALID_KEY, RunningMock, running_mock

DOCUMENT = documents.resolved(documents.openapi())
PATHS = {CREATE: "/calls/create", INLINE: "/calls/inline"}
REFUSALS = [(each, operation) for each in SCENARIOS if each.status != 201 for operation in each.operations]
LONGEST_S = 8.0
SPEECH = {"inputSampleRate": 16000, "outputSampleRate": 16000, "codec": "pcm"}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningMock]:
    with running_mock(rate_limit_per_hour=0) as each:
        yield each


def named(scenario: Scenario, operation: str) -> dict[str, Any]:
    """A body that asks for a scenario."""
    if operation == CREATE:
        return {"agentId": scenario.agent_id}
    return {**INLINE_BODY, "metadata": {"mock": scenario.name}}


def test_every_documented_status_of_each_operation_has_a_scenario() -> None:
    for operation, path in PATHS.items():
        documented = {int(status) for status in DOCUMENT["paths"][path]["post"]["responses"]}
        assert documented == {each.status for each in SCENARIOS if operation in each.operations}


@pytest.mark.parametrize(("scenario", "operation"), REFUSALS, ids=lambda each: getattr(each, "name", each))
def test_a_named_error_is_the_documents_own(scenario: Scenario, operation: str) -> None:
    answer = mock().post(PATHS[operation], named(scenario, operation))
    described = DOCUMENT["paths"][PATHS[operation]]["post"]["responses"][str(scenario.status)]
    assert answer.status_code == scenario.status
    jsonschema.validate(answer.json(), described["content"]["application/json"]["schema"])
    assert answer.json()["error"]["code"] == scenario.code
    required = [name for name, header in described.get("headers", {}).items() if header.get("required")]
    assert all(name in answer.headers for name in required)
    assert ("Retry-After" in answer.headers) is (scenario.status in (429, 503))


def test_who_is_over_the_limit_is_told_so_in_the_headers_and_not_counted_as_such() -> None:
    server = mock()
    refused = server.post("/calls/create", {"agentId": "agent_rate_limited"})
    assert (refused.headers["X-RateLimit-Remaining"], refused.headers["Retry-After"]) == ("0", "30")
    assert server.post("/calls/create", CREATE_BODY).headers["X-RateLimit-Remaining"] == "998"


def test_a_wrong_request_is_told_what_is_wrong_with_it_whatever_it_asks_for() -> None:
    server = mock()
    assert server.post("/calls/create", {"agentId": "agent_slow"}, key=None).status_code == 401
    faulty = server.post("/calls/create", {"agentId": 7}, headers={"Prefer": "code=201"})
    assert faulty.status_code == 400


def test_agents_that_the_user_names_are_no_scenarios() -> None:
    server = mock(agents=(("agent_no_credit", "Mine"),))
    answer = server.post("/calls/create", {"agentId": "agent_no_credit"})
    assert (answer.status_code, answer.json()["agent"]["name"]) == (201, "Mine")


def test_other_metadata_and_an_agent_that_is_no_field_mean_nothing() -> None:
    server = mock()
    for agent_id in ("agent_error", ["agent_error"], 7):
        assert server.post("/calls/inline", {**INLINE_BODY, "agentId": agent_id}).status_code == 201
    for metadata in ({"mock": "no such"}, {"mock": 7}, {"mock": ["error"]}, {"mocks": "error"}, {}):
        assert server.post("/calls/inline", {**INLINE_BODY, "metadata": metadata}).status_code == 201


def test_prefer_picks_a_status_or_an_example_and_says_that_it_did() -> None:
    server = mock()
    busy = server.post("/calls/inline", INLINE_BODY, headers={"Prefer": "code=503"})
    assert (busy.status_code, busy.headers["Preference-Applied"]) == (503, "code=503")
    example = server.post("/calls/create", CREATE_BODY, headers={"Prefer": 'example="missing"'})
    described = DOCUMENT["components"]["responses"]["Unauthorized"]["content"]["application/json"]["examples"]
    assert (example.status_code, example.json()) == (401, described["missing"]["value"])
    both = server.post("/calls/create", CREATE_BODY, headers={"Prefer": "code=400, example=notJson"})
    assert (both.status_code, both.json()["error"]["code"]) == (400, "INVALID_BODY")
    assert server.post("/calls/create", {"agentId": "agent_error"}, headers={"Prefer": "code=201"}).status_code == 404


@pytest.mark.parametrize("prefer", ["code=418", "code=401, example=notJson", "example=none", "wait=5", "", "code="])
def test_a_preference_that_nothing_meets_is_ignored(prefer: str) -> None:
    answer = mock().post("/calls/create", CREATE_BODY, headers={"Prefer": prefer})
    assert answer.status_code == 201 and "Preference-Applied" not in answer.headers


def test_a_key_that_comes_as_a_preference_is_not_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    mock().post("/calls/create", CREATE_BODY, headers={"Prefer": "example=ck_mock_valid"})
    assert "Prefer: example=***: create" in caplog.text


def written(folder: Path, text: str) -> str:
    file = folder / "scenarios.yaml"
    file.write_text(text)
    return str(file)


def test_a_file_says_what_comes_first_and_what_then(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        sequences:
          - {operation: createInlineCall, outcomes: [rate_limited, ok, error], afterwards: repeat}
          - {agentId: agent_demo, outcomes: [agent_not_found, ok]}
          - {outcomes: [unavailable], afterwards: last}
        """,
    )
    server = mock(scenario_file=file)
    inline = [server.post("/calls/inline", INLINE_BODY).status_code for _ in range(5)]
    create = [server.post("/calls/create", CREATE_BODY).status_code for _ in range(4)]
    assert (inline, create) == ([429, 201, 500, 429, 201], [404, 201, 503, 503])
    # What a request asks for itself comes first, and takes nothing.
    assert server.post("/calls/inline", named(SCENARIOS[0], INLINE)).status_code == 201
    assert server.post("/calls/inline", INLINE_BODY).status_code == 500


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sequences: []", ":1: sequences: [] has less than 1 item"),
        (
            "sequences:\n- outcomes: [ratelimited]",
            ":2: sequences[0].outcomes[0]: there is no scenario 'ratelimited'; did",
        ),
        (
            "sequences:\n- outcomes:\n  - {scenario: ok, latency: 5}",
            ":3: sequences[0].outcomes[0].latency: 5 is not of",
        ),
        ("sequences:\n- outcomes:\n  - {scenario: ok, jitter: 5}", "jitter: 5 is not of type"),
        ("sequences:\n- outcomes: [{scenario: ok, frameLoss: '2'}]", "frameLoss: '2' is not a share such as 2%"),
        (
            "sequences:\n- {operation: createInlineCall, outcomes: [inactive]}",
            "createInlineCall has no 404, so no inactive",
        ),
        ("sequences:\n- {outcomes: [ok], then: last}", ":2: sequences[0]: Additional properties"),
        ("- ok", ":1: expected a mapping"),
    ],
)
def test_a_fault_in_the_file_is_told_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DocumentError) as caught:
        mock(scenario_file=written(tmp_path, text))
    assert "scenarios.yaml" in str(caught.value) and says in str(caught.value)


def test_a_default_goes_for_all_that_ask_for_nothing_else() -> None:
    server = mock(scenario="unavailable")
    assert server.post("/calls/create", CREATE_BODY).status_code == 503
    assert server.post("/calls/inline", INLINE_BODY).status_code == 503
    assert server.post("/calls/create", {"agentId": "agent_ok"}).status_code == 201
    assert mock(scenario="inactive").post("/calls/inline", INLINE_BODY).status_code == 201


def test_the_next_requests_are_ordered_through_the_control_api() -> None:
    def status(path: str, body: dict[str, Any]) -> int:
        return httpx.post(server.base_url + path, json=body, headers=VALID_KEY).status_code

    with testing.running_mock() as server:
        listed = server.scenarios()
        assert [each.name for each in listed] == [each.name for each in SCENARIOS]
        assert {each.name for each in listed if each.status is None} == {"resets", "never_answers"}
        server.order("rate_limited", times=2)
        ordered = server.order("agent_not_found")
        assert (ordered.default, ordered.next) == ("ok", ["rate_limited", "rate_limited", "not_found"])
        # What asks for something itself takes nothing, and an inline call cannot be answered 404.
        create = [status("/calls/create", {"agentId": agent}) for agent in ("agent_demo", "agent_error", "agent_demo")]
        assert create == [429, 500, 429]
        assert status("/calls/inline", INLINE_BODY) == 201
        assert status("/calls/create", CREATE_BODY) == 404
        assert server.set_default_scenario("unavailable").default == "unavailable"
        assert status("/calls/create", CREATE_BODY) == 503
        server.order("slow")
        assert server.forget_outcomes().next == []
        with pytest.raises(
            testing.ControlError, match="scenario: there is no scenario 'rate_limitd'; did you mean rate_"
        ):
            server.order("rate_limitd")
        server.order("error")
        server.reset()
        assert (server.outcomes().default, server.outcomes().next) == ("ok", [])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("latency_ms", "5"),
        ("latency_ms", "800-100ms"),
        ("jitter_ms", "11h"),
        ("frame_loss", "101%"),
        ("scenario", "nice"),
        ("clock", "2026-01-31"),
        ("seed", "1.5"),
    ],
)
def test_an_option_that_makes_no_sense_is_told(option: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"--{option.removesuffix('_ms').replace('_', '-')} .* is not "):
        Settings.from_environment({}, **{option: value})


def post(running: RunningMock, scenario: str, timeout_s: float = 5.0) -> httpx.Response:
    body = {"agentId": f"agent_{scenario}"}
    return httpx.post(f"{running.base_url}/calls/create", json=body, headers=VALID_KEY, timeout=timeout_s)


def test_answers_come_late_or_never_or_broken(running: RunningMock) -> None:
    slow = post(running, "slow")
    assert slow.status_code == 201 and slow.elapsed.total_seconds() >= 3
    with pytest.raises(httpx.ReadTimeout):
        post(running, "never_answers", timeout_s=0.3)
    with pytest.raises(httpx.ReadError, match="reset"):
        post(running, "resets")
    empty = post(running, "empty_answer")
    assert (empty.status_code, empty.content) == (201, b"")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        post(running, "truncated_answer")
    # And the server is as well as before.
    assert post(running, "ok").status_code == 201


def test_who_is_never_answered_is_not_when_the_server_goes_down_either(caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps({"agentId": "agent_never_answers"}).encode()
    with running_mock(rate_limit_per_hour=0) as mock, RawSocket.connect(mock.base_url) as raw:
        raw.send(
            b"POST /calls/create HTTP/1.1\r\nHost: x\r\nX-API-Key: ck_mock_valid\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        time.sleep(0.3)
        mock.stop()
        with pytest.raises(ConnectionResetError):
            raw.read_answer()
    assert "without starting response" not in caplog.text


def test_latency_goes_for_every_answer() -> None:
    with running_mock(latency_ms="120-150ms", seed="1") as late:
        for scenario, status in (("demo", 201), ("no_credit", 402)):
            answer = post(late, scenario)
            assert answer.status_code == status and answer.elapsed.total_seconds() >= 0.12


@dataclass
class Heard:
    """What came on one socket."""

    status: int | None = None
    opened: bool = False
    audio: list[bytes] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    unreadable: int = 0
    first_audio_s: float = -1.0
    last_s: float = 0.0
    code: int | None = None
    failure: str = ""

    @property
    def texts(self) -> list[str]:
        return [each["text"] for each in self.events if each.get("final") and each["role"] == "agent"]


async def dialled(url: str, *, speak: str = "", up_to_s: float = LONGEST_S) -> Heard:
    """Dial, type something, and take in what comes until the socket ends, or so long."""
    heard, loop = Heard(), asyncio.get_running_loop()
    try:
        async with asyncio.timeout(up_to_s), connect(url, open_timeout=1.0, close_timeout=0.1) as socket:
            heard.opened = True
            began = loop.time()
            if speak:
                await socket.send(json.dumps({"type": "user_text_message", "text": speak}))
            async for message in socket:
                heard.last_s = loop.time() - began
                if isinstance(message, bytes):
                    heard.first_audio_s = heard.first_audio_s if heard.audio else heard.last_s
                    heard.audio.append(message)
                    continue
                try:
                    heard.events.append(json.loads(message))
                except ValueError:
                    heard.unreadable += 1
        heard.code = socket.close_code
    except ConnectionClosed as closed:
        heard.code = closed.rcvd.code if closed.rcvd else 1006
    except InvalidStatus as refused:
        heard.status = refused.response.status_code
    except (TimeoutError, InvalidMessage, ConnectionError) as error:
        heard.failure = type(error).__name__
    return heard


def call_of(running: RunningMock, scenario: str, **more: Any) -> str:
    body = {"connectionType": "websocket", "websocket": SPEECH, "metadata": {"mock": scenario}, **more}
    return str(running.create_inline(**body)["websocketUrl"])


def test_calls_go_wrong_as_they_were_asked_to(running: RunningMock) -> None:
    greeting = "Hello there, this is a greeting of several words, so that it takes rather longer than three seconds."
    wanted = {
        **dict.fromkeys(("ok", "never_speaks", "only_greets", "hangs_up"), 2.5),
        **dict.fromkeys(("bad_audio", "bad_messages", "choppy_audio"), 2.5),
        **dict.fromkeys(("drops_call", "fails", "goes_dead", "speaks_late"), 5.0),
    }
    short = {"ok", "never_speaks", "only_greets", "hangs_up"}

    async def all_of_them() -> dict[str, Heard]:
        urls = {each: call_of(running, each, greeting="Hi." if each in short else greeting) for each in wanted}
        heard = await asyncio.gather(
            *(
                dialled(url, speak="yes" if each in ("only_greets", "never_speaks") else "", up_to_s=wanted[each])
                for each, url in urls.items()
            )
        )
        return dict(zip(urls, heard, strict=True))

    heard = asyncio.run(all_of_them())
    assert heard["ok"].texts == ["Hi."] and heard["ok"].audio and not heard["ok"].unreadable
    assert heard["never_speaks"].opened and not heard["never_speaks"].audio and not heard["never_speaks"].texts
    assert heard["only_greets"].texts == ["Hi."]
    assert heard["hangs_up"].code == 1000 and heard["hangs_up"].texts == ["Hi."]
    assert heard["speaks_late"].first_audio_s > 3.5 > heard["ok"].first_audio_s
    assert any(len(each) % 2 for each in heard["bad_messages"].audio)
    assert loudness(heard["bad_audio"]) > 3 * loudness(heard["fails"])
    assert 0.5 < len(heard["choppy_audio"].audio) / len(heard["bad_audio"].audio) < 0.95
    assert (heard["drops_call"].code, heard["fails"].code) == (1006, 1011)
    assert all(3 <= heard[each].last_s + 0.1 < 4 for each in ("drops_call", "fails", "goes_dead"))
    # A dead line is still open when the caller gives up.
    assert heard["goes_dead"].failure == "TimeoutError" and heard["goes_dead"].audio


def loudness(heard: Heard) -> float:
    """The mean size of a sample."""
    samples = [
        int.from_bytes(each[at : at + 2], "little", signed=True)
        for each in heard.audio
        for at in range(0, len(each) - 1, 2)
    ]
    return sum(map(abs, samples)) / len(samples)


def test_dials_go_wrong_as_they_were_asked_to(running: RunningMock) -> None:
    async def all_of_them() -> list[Heard]:
        names = ("expired_url", "refuses_socket", "resets_socket", "never_opens")
        urls = [call_of(running, each) for each in names]
        return [*await asyncio.gather(*map(dialled, urls)), await dialled(urls[1])]

    expired, refused, reset, unanswered, refused_again = asyncio.run(all_of_them())
    assert (expired.status, refused.status, refused_again.status) == (404, 503, 503)
    assert not reset.opened and reset.failure in ("ConnectionResetError", "InvalidMessage")
    assert not unanswered.opened and unanswered.failure == "TimeoutError"


def test_with_a_seed_all_ids_and_times_are_the_same_in_each_run() -> None:
    def seen(extra_request: bool) -> list[Any]:
        with running_mock(seed="7", clock="2026-01-31T12:00:00Z") as repeatable:
            if extra_request:
                httpx.get(f"{repeatable.base_url}/healthz")
            created = [post(repeatable, "ok").json() for _ in range(2)]
            return [{**each, "websocketUrl": each["websocketUrl"].rpartition("/")[2]} for each in created]

    first = seen(extra_request=False)
    assert first == seen(extra_request=True)
    assert first[0]["createdAt"] == "2026-01-31T12:00:00.000Z" and first[0]["id"] != first[1]["id"]


@pytest.mark.parametrize("beyond", [{"host": "0.0.0.0"}, {"host": "::"}, {"public_url": "https://a.example"}])
def test_with_a_seed_nobody_else_is_listened_to(beyond: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="--seed makes URLs that can be guessed"):
        Settings.from_environment({}, seed="1", **beyond)
    assert "can be guessed" in welcome(Settings(seed=1), "http://127.0.0.1:8080", None, speaks=False)


def test_the_list_and_the_docs_have_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert mock_command.main(["--list-scenarios"]) == 0
    listed = capsys.readouterr().out
    assert all(f"{each.agent_id} " in listed and each.shows in listed for each in SCENARIOS)
    page = Path(__file__).parents[2] / "docs" / "scenarios.md"
    assert scenario_table.as_markdown() in page.read_text(), "`calls mock --list-scenarios markdown` prints it"
    assert [each["name"] for each in json.loads(scenario_table.as_json())] == [each.name for each in SCENARIOS]
