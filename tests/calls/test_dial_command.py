from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import sys
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import trustme
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from calls.dial import main
from contract.audio import AudioFormat, Encoding, encode
from contract_tests.call_summary import CallSummary
from contract_tests.carrier import CallPlan, place_call
from contract_tests.line import Line
from contract_tests.room.line import ROOM_AUDIO
from tests.faults.room import signed
from tests.running import RunningMock, running_mock

TOKEN = "a-token-that-must-not-be-shown"
RATES = {"inputSampleRate": 16000, "outputSampleRate": 24000}
TONE = (8000 * np.sin(np.arange(8000) * 2 * np.pi * 440 / 8000)).astype(np.int16)

Respond = Callable[[ServerConnection, Request], Response | None]
Dial = Callable[..., tuple[int, str, str]]


@pytest.fixture
def dial(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Dial:
    """Runs the command: its exit code and what it printed, which never holds the URL."""
    monkeypatch.delenv("CALLS_CARRIER_TOKEN", raising=False)

    def run(url: str, kind: str, *arguments: str) -> tuple[int, str, str]:
        code = main([url, "--as", kind, *arguments])
        out, err = capsys.readouterr()
        assert url not in out + err
        assert len(secret := url.rpartition("/")[2].partition("?")[0]) > 12 and secret not in out + err
        return code, out, err

    return run


@pytest.fixture
def caller_wav(tmp_path: Path) -> str:
    """Half a second of a tone, for the caller to say."""
    path = tmp_path / "caller.wav"
    write_wav(path, TONE[:4000])
    return str(path)


def write_wav(path: Path, samples: Any) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())


def heard(path: Path) -> tuple[Any, int]:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float), file.getframerate()


def audible_s(samples: Any, rate_hz: int) -> float:
    windows = samples[: len(samples) // 80 * 80].reshape(-1, 80)
    return float((np.sqrt((windows**2).mean(axis=1)) > 500).sum() * 80 / rate_hz)


@dataclass
class Agent:
    """An agent of a few lines: what was dialled, and what it was told."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)


@contextmanager
def answering(talk: Callable[[ServerConnection, Agent], None], respond: Respond | None = None) -> Iterator[Agent]:
    """A server whose agent does what it is told to, and listens after that until the caller goes."""
    agent = Agent()

    def answer(socket: ServerConnection) -> None:
        assert socket.request is not None
        agent.requests.append(socket.request)
        try:
            talk(socket, agent)
            for wire in socket:
                agent.told.append(json.loads(wire) if isinstance(wire, str) else wire)
        except ConnectionClosed:
            pass

    quiet = logging.getLogger("quiet")
    quiet.propagate = False
    with serve(answer, "127.0.0.1", 0, process_request=respond, compression=None, logger=quiet) as server:
        agent.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/media/{TOKEN}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield agent
        server.shutdown()
        thread.join()


def silent(socket: ServerConnection, agent: Agent) -> None:
    """Says nothing."""


def stream_id(socket: ServerConnection) -> str:
    """Twilio's id for the stream, once it was told."""
    socket.recv()
    sid: str = json.loads(socket.recv())["streamSid"]
    return sid


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("twilio", []),
        ("telnyx", []),
        ("telnyx", ["--alaw"]),
        ("plivo", []),
        ("websocket", ["--input-rate", "16000", "--output-rate", "24000"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_call_as_each_connection_type_is_heard_and_kept(
    mock: RunningMock, dial: Dial, tmp_path: Path, caller_wav: str, kind: str, options: list[str]
) -> None:
    url = mock.create_inline(connectionType=kind, websocket=RATES, greeting="Hi")["websocketUrl"]
    out = tmp_path / "reply.wav"
    code, printed, _ = dial(url, kind, "--audio", caller_wav, "--out", str(out), "--report", "json", *options)
    told = json.loads(printed)
    assert code == 0, told["against"]
    assert told["connected_as"] == kind
    assert told["first_audio_ms"] < 1500
    assert told["answer_ms"] > 500, "the parrot lets the caller finish"
    assert told["ended"] == "the caller hung up: all was said"
    assert told["sent_s"] == pytest.approx(told["took_s"], abs=0.4), "20 ms every 20 ms"
    assert told["marks"] == told["marks_returned"] == (0 if kind == "websocket" else 2)
    assert [line["role"] for line in told["transcripts"]] == (["agent", "user", "agent"] if kind == "websocket" else [])
    samples, rate_hz = heard(out)
    assert rate_hz == (24000 if kind == "websocket" else 8000)
    assert len(samples) / rate_hz == pytest.approx(told["took_s"], abs=0.1)
    assert 0.6 < audible_s(samples, rate_hz) < told["received_s"] + 0.1


def test_a_webrtc_call_takes_place_in_its_room(
    dial: Dial, tmp_path: Path, caller_wav: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "heard.wav"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with running_mock() as mock:
        url = mock.create_inline(connectionType="webrtc")["websocketUrl"]
        code, said, err = dial(url, "webrtc", "--report", "json", "--audio", caller_wav, "--out", str(out))
    told = json.loads(said)
    assert code == 0, told["against"]
    assert told["took_place"] and told["room"]["url"] == f"ws{mock.base_url.removeprefix('http')}"
    assert told["room"]["claims"]["video"]["roomJoin"] is True
    assert "eyJ" not in said + err
    assert "agent: Hello there\x1b" in err, "the live line shows what was said last"
    assert told["first_audio_ms"] < 2500
    assert told["answer_ms"] > 0, "the parrot lets the caller finish"
    assert told["sent_s"] == 0.5
    assert told["heard_dbfs"] > -40
    assert [line["role"] for line in told["transcripts"]] == ["agent", "user", "agent"]
    assert told["ended"] == "the caller hung up: all was said"
    samples, rate_hz = heard(out)
    assert rate_hz == 48000
    assert audible_s(samples, rate_hz) > 0.6


def test_a_caller_who_was_held_up_takes_no_backlog_for_silence() -> None:
    """The greeting's end, read late, was once told as an answer from before the caller had ended."""
    held_up: list[bool] = []

    def hold_up(line: Line) -> None:
        if line.audible() and not held_up:
            held_up.append(True)
            time.sleep(1)

    speech = np.repeat(TONE[:4000], 6).tobytes()
    plan = CallPlan(kind="webrtc", to_agent=ROOM_AUDIO, from_agent=ROOM_AUDIO, speech=speech)
    with running_mock() as mock:
        url = mock.create_inline(connectionType="webrtc", greeting="A greeting of two seconds, more or less")
        told = asyncio.run(place_call(url["websocketUrl"], plan, on_progress=hold_up))
    assert held_up and isinstance(told, CallSummary)
    assert told.answer_ms is not None and told.answer_ms > 0


def test_an_agent_that_ends_a_webrtc_call_hangs_up_in_the_room_and_on_the_socket(dial: Dial) -> None:
    with running_mock(time_scale=20) as mock:
        url = mock.create_inline(connectionType="webrtc", maxDuration=80)["websocketUrl"]
        code, out, _ = dial(url, "webrtc", "--text", "hello")
    assert code == 0, out
    assert "agent said    You wrote: hello" in out
    assert "ended         the agent hung up: it closed with 1000 (" in out


def test_webrtc_shows_the_room_that_nobody_answers_and_the_tokens_claims_but_no_signature(dial: Dial) -> None:
    with running_mock(livekit_url="ws://127.0.0.1:1", livekit_key="devkey", livekit_secret="secret") as mock:
        code, out, _ = dial(mock.create_inline(connectionType="webrtc")["websocketUrl"], "webrtc")
    assert code == 2
    assert "ws://127.0.0.1:1" in out and '"roomJoin": true' in out and '"iss": "devkey"' in out
    assert "the room could not be joined: no LiveKit server answers at roomUrl" in out
    assert "eyJ" not in out


def test_a_room_that_refuses_its_own_token_is_against_the_contract(dial: Dial) -> None:
    with running_mock(signed(lambda claims: claims.update(exp=1000))) as mock:
        code, out, _ = dial(mock.create_inline(connectionType="webrtc")["websocketUrl"], "webrtc")
    assert code == 1
    assert "the room refuses the token: 401" in out and "the token has expired" in out
    assert "eyJ" not in out


def test_webrtc_without_a_room_is_against_the_contract(dial: Dial) -> None:
    with answering(lambda socket, agent: socket.close(1011)) as agent:
        code, out, _ = dial(agent.url, "webrtc")
    assert code == 1
    assert "no room was offered" in out and "closed with 1011" in out


def test_webrtc_without_its_library_is_not_dialled(
    dial: Dial, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "contract_tests.room.participant", None)
    with answering(silent) as agent:
        with pytest.raises(SystemExit) as ended:
            main([agent.url, "--as", "webrtc"])
        assert not agent.requests
    assert ended.value.code == 2
    assert 'install the extra livekit (pip install "calls-contract[livekit]")' in capsys.readouterr().err


def test_the_summary_for_people_is_seven_lines(mock: RunningMock, dial: Dial) -> None:
    code, out, err = dial(mock.create(connectionType="twilio")["websocketUrl"], "twilio", "--duration", "1")
    assert code == 0
    titles = ["connected as", "sent", "first audio", "received", "marks", "contract", "ended"]
    assert [line[:14].strip() for line in out.splitlines()] == titles
    assert "time was up" in out
    assert err == ""


def test_text_and_keys_are_answered(mock: RunningMock, dial: Dial, caller_wav: str) -> None:
    url = mock.create_inline(connectionType="websocket", websocket=RATES, greeting="Hi")["websocketUrl"]
    code, out, _ = dial(url, "websocket", "--output-rate", "24000", "--text", "hello", "--duration", "3")
    assert (code, "You wrote: hello" in out) == (0, True)
    with answering(silent) as agent:
        dial(agent.url, "plivo", "--digits", "1#", "--duration", "2.3", "--audio", caller_wav)
    assert [told["dtmf"]["digit"] for told in agent.told if told["event"] == "dtmf"] == ["1", "#"]


def test_a_url_that_was_used_is_refused_with_the_reason(mock: RunningMock, dial: Dial) -> None:
    url = mock.create(connectionType="twilio")["websocketUrl"]
    dial(url, "twilio", "--duration", "0.1")
    code, out, err = dial(url, "twilio", "--duration", "0.1")
    assert (code, out) == (2, "")
    assert "refused: HTTP 404 (a URL works once, and not for long)" in err and "no call waits here" in err
    assert err.count("\n") == 1


def test_where_nobody_listens_the_reason_is_told(dial: Dial) -> None:
    code, _, err = dial(f"ws://127.0.0.1:9/{TOKEN}", "twilio")
    assert code == 2
    assert err.startswith("calls dial: refused: ConnectionRefusedError")


def test_a_redirect_is_not_followed(dial: Dial) -> None:
    def redirect(socket: ServerConnection, request: Request) -> Response:
        return Response(302, "Found", Headers(Location=f"{agent.url}/elsewhere"), f"to {agent.url}".encode())

    with answering(silent, redirect) as agent:
        code, _, err = dial(agent.url, "twilio")
    assert code == 2
    assert "refused: HTTP 302: to URL" in err
    assert not agent.requests


def test_the_dial_is_signed_as_the_carrier_signs_it(dial: Dial, monkeypatch: pytest.MonkeyPatch) -> None:
    def signed(text: str, digest: str) -> str:
        return base64.b64encode(hmac.digest(b"account-token", text.encode(), digest)).decode()

    with answering(silent) as agent:
        url = f"{agent.url}?a=1"
        dial(url, "twilio", "--duration", "0.1", "--auth-token", "account-token")
        monkeypatch.setenv("CALLS_CARRIER_TOKEN", "account-token")
        for kind in ("plivo", "telnyx", "websocket"):
            dial(url, kind, "--duration", "0.1")
        monkeypatch.delenv("CALLS_CARRIER_TOKEN")
        dial(url, "twilio", "--duration", "0.1")
    twilio, plivo, telnyx, websocket, unsigned = (request.headers for request in agent.requests)
    assert twilio["X-Twilio-Signature"] == signed(url, hashlib.sha1().name)
    nonce = plivo["X-Plivo-Signature-V3-Nonce"]
    assert plivo["X-Plivo-Signature-V3"] == signed(f"GET{url}{nonce}", hashlib.sha256().name)
    assert telnyx["x-telnyx-streaming-auth-token"] == "account-token"
    for headers in (websocket, unsigned):
        assert not [name for name in headers if name.startswith("x-") or "signature" in name.lower()]
    # Carriers drop the query, clients keep it; nobody says an Origin.
    assert [request.path.endswith("?a=1") for request in agent.requests] == [False, False, False, True, False]
    assert not any("Origin" in request.headers for request in agent.requests)


def test_what_the_agent_withdrew_is_not_heard_its_marks_come_back_and_stop_comes_last(
    dial: Dial, tmp_path: Path
) -> None:
    def talk(socket: ServerConnection, agent: Agent) -> None:
        sid = stream_id(socket)
        payload = base64.b64encode(encode(TONE, Encoding.MULAW)).decode()
        socket.send(json.dumps({"event": "media", "streamSid": sid, "media": {"payload": payload}}))
        socket.send(json.dumps({"event": "mark", "streamSid": sid, "mark": {"name": "end"}}))
        for _ in range(15):
            agent.told.append(json.loads(socket.recv()))
        socket.send(json.dumps({"event": "clear", "streamSid": sid}))

    out = tmp_path / "reply.wav"
    with answering(talk) as agent:
        code, printed, _ = dial(agent.url, "twilio", "--duration", "0.8", "--out", str(out))
    assert code == 0
    assert "1 asked for, 1 returned; clears: 1" in printed
    assert 0.2 < audible_s(*heard(out)) < 0.5, "0.3 s were played, 0.7 s were withdrawn"
    events = [told["event"] for told in agent.told]
    assert events.index("mark") in range(14, 20)
    assert events[-1] == "stop" and events.count("stop") == 1


@pytest.mark.parametrize(
    ("kind", "wire", "complaint"),
    [
        ("twilio", '{"event": "media", "media": {"payload": "AAAA"}}', "streamSid"),
        ("twilio", b"\x00\x00", "a binary message, where only text is allowed"),
        ("websocket", b"\x00", "1 bytes are not a whole number of 16-bit samples"),
        ("websocket", '{"type": "state", "state": "asleep"}', "state: $.state"),
        ("websocket", '{"type": "brand_new"}', ""),
    ],
    ids=["field", "binary", "half a sample", "value", "unknown type"],
)
def test_a_message_against_the_contract_is_told_with_its_reason(
    dial: Dial, kind: str, wire: str | bytes, complaint: str
) -> None:
    with answering(lambda socket, agent: socket.send(wire)) as agent:
        code, out, _ = dial(agent.url, kind, "--duration", "0.3")
    assert code == (1 if complaint else 0)
    assert complaint in out
    assert complaint or "1 messages of unknown types were ignored" in out


@pytest.mark.parametrize(("close_code", "exit_code"), [(1000, 0), (1011, 1)])
def test_how_the_agent_closed_is_told_and_judged(dial: Dial, close_code: int, exit_code: int) -> None:
    with answering(lambda socket, agent: socket.close(close_code, "\x1b[31mdone")) as agent:
        code, out, _ = dial(agent.url, "twilio")
    assert code == exit_code
    assert f"closed with {close_code} (\\x1b[31mdone)" in out


def test_a_client_tool_is_refused_so_that_the_agent_does_not_wait(dial: Dial) -> None:
    invocation = {"type": "client_tool_invocation", "invocationId": "inv_1", "toolName": "x", "parameters": {}}
    with answering(lambda socket, agent: socket.send(json.dumps(invocation))) as agent:
        code, _, _ = dial(agent.url, "websocket", "--duration", "0.7")
    assert code == 0
    (answer,) = [told for told in agent.told if isinstance(told, dict)]
    assert (answer["invocationId"], answer["errorType"]) == ("inv_1", "undefined")


@pytest.mark.parametrize("frame_hz", [8000, 16000])
def test_20_ms_frames_in_the_asked_coding_are_sent(dial: Dial, frame_hz: int) -> None:
    with answering(silent) as agent:
        dial(agent.url, "websocket", "--codec", "g711", "--input-rate", str(frame_hz), "--duration", "0.3")
    assert {len(frame) for frame in agent.told} == {AudioFormat(Encoding.MULAW, frame_hz).frame_bytes(0)}
    assert 10 <= len(agent.told) <= 17


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--as", "twilio"], "URL"),
        ([f"http://h/{TOKEN}", "--as", "twilio"], "expected a ws:// or wss:// URL"),
        ([f"ws://h/{TOKEN}"], "--as"),
        (["--as", f"ws://h/{TOKEN}", "ws://h/"], "expected one of twilio, telnyx, plivo, websocket, webrtc"),
        (["ws://h/", "--as", "twilio", "--duration", f"ws://h/{TOKEN}"], "expected seconds above 0, at most 600"),
        (["ws://h/", "--as", "twilio", "--duration", "nan"], "expected seconds above 0, at most 600"),
        (["ws://h/", "--as", "websocket", "--input-rate", "7999"], "expected a whole number from 8000 to 48000"),
        (["ws://h/", "--as", "twilio", "--input-rate", "8000"], "--input-rate is for websocket, not for twilio"),
        (["ws://h/", "--as", "twilio", "--alaw"], "--alaw is for telnyx, not for twilio"),
        (["ws://h/", "--as", "websocket", "--digits", "1"], "--digits is for twilio, telnyx, plivo"),
        (["ws://h/", "--as", "plivo", "--digits", "1x"], "expected keys of 0-9, *, #, A-D"),
        (["ws://h/", "--as", "telnyx", "--auth-token", "a b"], "not shown"),
        (["ws://h/", "--as", "twilio", "--audio", "nowhere.wav"], "nowhere.wav: not a WAV file"),
        (["ws://h/", "--as", "twilio", "--out", "no/where.wav"], "--out: no/where.wav is no file in a folder"),
        (["ws://h/", "--as", "twilio", "--report", "html"], "expected one of text, json"),
    ],
    ids=lambda value: " ".join(value).replace(TOKEN, "TOKEN") if isinstance(value, list) else "",
)
def test_a_mistake_is_one_clear_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert complaint in err and TOKEN not in err


def test_a_certificate_is_to_be_known_unless_it_is_left_unchecked(
    dial: Dial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, known = trustme.CA(), tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(known)
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(both := tmp_path / "both.pem")
    with running_mock(rate_limit_per_hour=0, tls_cert=str(both), tls_key=str(both)) as mock:
        monkeypatch.setenv("SSL_CERT_FILE", str(known))
        checked, unchecked = (mock.create()["websocketUrl"] for _ in range(2))
        assert dial(checked, "twilio", "--duration", "0.5")[0] == 0
        monkeypatch.delenv("SSL_CERT_FILE")
        code, _, err = dial(unchecked, "twilio")
        assert (code, "CERTIFICATE_VERIFY_FAILED" in err, "--insecure" in err) == (2, True, True)
        assert dial(unchecked, "twilio", "--duration", "0.5", "--insecure")[0] == 0
