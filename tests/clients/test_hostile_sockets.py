"""Bad handshakes, bad frames and peers that vanish: each is refused or dropped, and holds nothing."""

from __future__ import annotations

import gc
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from websockets.sync.client import connect

from mockserver import handover
from mockserver.server import Server
from mockserver.websocket import WebSocket
from tests.clients.conftest import NewCall
from tests.clients.raw_socket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawSocket, frame, handshake
from tests.running import RunningMock, running_mock

pytestmark = pytest.mark.usefixtures("the_server_goes_on")

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux who holds a connection")

Bytes = Callable[[str], bytes]

BAD_HANDSHAKES: dict[str, Bytes] = {
    "an old version": lambda url: handshake(url, Sec_WebSocket_Version="8"),
    "a version of words": lambda url: handshake(url, Sec_WebSocket_Version="latest"),
    "no version": lambda url: handshake(url, Sec_WebSocket_Version=None),
    "no key": lambda url: handshake(url, Sec_WebSocket_Key=None),
    "an empty key": lambda url: handshake(url, Sec_WebSocket_Key=""),
    "a short key": lambda url: handshake(url, Sec_WebSocket_Key="c2hvcnQ="),
    "a key that is not base64": lambda url: handshake(url, Sec_WebSocket_Key="!" * 24),
    "no upgrade": lambda url: handshake(url, Upgrade=None),
    "an upgrade to something else": lambda url: handshake(url, Upgrade="h2c"),
    "no connection": lambda url: handshake(url, Connection=None),
    "a POST": lambda url: handshake(url, method="POST"),
    "HTTP/1.0": lambda url: handshake(url).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "a header of 100 kB": lambda url: handshake(url, X_Long="x" * 100_000),
    "a thousand headers": lambda url: handshake(url, **{f"X_{number}": "x" for number in range(1000)}),
    "no HTTP at all": lambda url: b"\x16\x03\x01\x02\x00\x01\x00" * 100,
    "a NUL in a header": lambda url: handshake(url, X_Nul="a\x00b"),
}

BAD_FRAMES: dict[str, tuple[bytes, int]] = {
    "garbage": (b"\xff" * 200, 1002),
    "an unmasked frame": (frame(TEXT, b"{}", masked=False), 1002),
    "an unknown opcode": (frame(3, b"{}"), 1002),
    "an unknown control opcode": (frame(11), 1002),
    "a reserved bit": (frame(TEXT, b"{}", rsv=4), 1002),
    "a ping in fragments": (frame(PING, b"a", fin=False), 1002),
    "a long ping": (frame(PING, b"x" * 126), 1002),
    "a continuation of nothing": (frame(CONTINUATION, b"{}"), 1002),
    "a text within a text": (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "a close with a code that must not be sent": (frame(CLOSE, b"\x03\xed"), 1002),
    "a close with the first code that nobody may use": (frame(CLOSE, b"\x13\x88"), 1002),
    "a close with the last code": (frame(CLOSE, b"\xff\xff"), 1002),
    "a close with the last code of an application's own": (frame(CLOSE, b"\x13\x87"), 4999),
    "a close with a reason that is no text": (frame(CLOSE, b"\x03\xe8\xff"), 1007),
    "text that is not UTF-8": (frame(TEXT, b'{"type": "\xff"}'), 1007),
    "text with a surrogate": (frame(TEXT, b'{"type": "\xed\xa0\x80"}'), 1007),
    "text with half a character": (frame(TEXT, b"\xe2\x82"), 1007),
    "a length of 4 GiB": (b"\x82\xff" + (1 << 32).to_bytes(8, "big") + b"mask", 1009),
    "the longest length": (b"\x82\xff" + b"\x7f" + b"\xff" * 7 + b"mask", 1009),
}


def comes_true(condition: Callable[[], bool], within_s: float = 10.0) -> bool:
    """Whether a condition holds, now or in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def settled(mock: RunningMock) -> bool:
    """Whether all calls have ended, or do so in time."""
    return comes_true(lambda: len(mock.mock.switchboard) == len(mock.mock.ticker) == 0)


@pytest.fixture
def token_stays_secret(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[str], None]]:
    """Told of URLs: their tokens must not be in the log after the test."""
    urls: list[str] = []
    yield urls.append
    assert not [url for url in urls if url.rpartition("/")[2] in caplog.text]


@pytest.mark.parametrize("bad", BAD_HANDSHAKES.values(), ids=BAD_HANDSHAKES)
def test_a_bad_handshake_is_refused_and_does_not_use_the_url_up(
    new_call: NewCall, token_stays_secret: Callable[[str], None], bad: Bytes
) -> None:
    url = new_call("websocket")
    token_stays_secret(url)
    with RawSocket.connect(url) as raw:
        with suppress(ConnectionError):
            raw.send(bad(url))
        # What cannot be read as HTTP may be hung up on; what can is answered.
        status = raw.read_status()
        assert status is None or 400 <= status < 500
    with connect(url, proxy=None):
        pass


@pytest.mark.parametrize("size", (1, 20, 100))
def test_a_handshake_that_is_never_finished_does_not_use_the_url_up(new_call: NewCall, size: int) -> None:
    url = new_call("websocket")
    with RawSocket.connect(url) as raw:
        raw.send(handshake(url)[:size])
    with connect(url, proxy=None):
        pass


def test_a_peer_that_vanishes_before_the_handshake_is_answered_holds_nothing(
    mock: RunningMock, new_call: NewCall
) -> None:
    for _ in range(20):
        url = new_call("websocket")
        with RawSocket.connect(url) as raw:
            raw.send(handshake(url))
            raw.reset()
    assert settled(mock)


def test_bytes_that_do_not_wait_for_the_handshakes_answer_are_survived(mock: RunningMock, new_call: NewCall) -> None:
    url = new_call("websocket")
    with RawSocket.connect(url) as raw:
        raw.send(handshake(url) + b"\xff" * 1000)
        assert raw.read_status() == 101
    assert settled(mock)


@pytest.mark.parametrize(("bad", "code"), BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_a_bad_frame_closes_the_socket_with_its_code(
    mock: RunningMock, new_call: NewCall, token_stays_secret: Callable[[str], None], bad: bytes, code: int
) -> None:
    url = new_call("websocket")
    token_stays_secret(url)
    with RawSocket.dial(url) as raw:
        raw.send(bad)
        assert raw.read_close() == code
    assert settled(mock)


FLOOD = frame(BINARY, bytes(320)) * 20_000
"""More than the buffers on the way hold, so that the mock has something unread when it hangs up."""

FAILED_WHILE_THEY_SEND: dict[str, tuple[bytes, int]] = {
    "an over-long frame": (frame(BINARY, bytes((1 << 20) + 2)), 1009),
    "over-long fragments": (frame(BINARY, fin=False) + frame(CONTINUATION, bytes(65_536), fin=False) * 40, 1009),
    "an unknown opcode": (frame(3), 1002),
    "a reserved bit": (frame(TEXT, b"{}", rsv=4), 1002),
    "a close with a code that nobody has": (frame(CLOSE, b"\x03\xf8"), 1002),
    "text that is not UTF-8": (frame(TEXT, b"\xff"), 1007),
}


@pytest.mark.parametrize(("bad", "code"), FAILED_WHILE_THEY_SEND.values(), ids=FAILED_WHILE_THEY_SEND)
def test_a_peer_that_still_sends_reads_why_it_was_failed_and_is_heard_no_more(
    mock: RunningMock, new_call: NewCall, caplog: pytest.LogCaptureFixture, bad: bytes, code: int
) -> None:
    with caplog.at_level("INFO", "calls"):
        for _ in range(3):
            with RawSocket.dial(new_call("websocket")) as raw:
                raw.send(bad + FLOOD)
                assert raw.read_close() == code
        # A call is no longer in progress when its end is logged.
        assert comes_true(lambda: caplog.text.count("ended after") == 3)
    ends = [record.getMessage() for record in caplog.records if "ended after" in record.getMessage()]
    assert all("broke the WebSocket protocol" in end and "; 0 messages in" in end for end in ends)


@only_linux
def test_a_peer_that_was_failed_and_stays_is_dropped(mock: RunningMock, new_call: NewCall) -> None:
    with RawSocket.dial(new_call("websocket")) as raw:
        raw.send(frame(3))
        assert raw.read_close() == 1002
        assert settled(mock)
        assert comes_true(lambda: not raw.is_held())


def test_a_peer_that_was_failed_and_sends_without_end_is_dropped(
    mock: RunningMock, new_call: NewCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "MOST_DROPPED_BYTES", 1_000_000)
    monkeypatch.setattr(handover, "LINGER_S", 60.0)
    with RawSocket.dial(new_call("websocket")) as raw, pytest.raises(ConnectionError):
        for _ in range(100):
            raw.send(frame(3) + FLOOD)
    assert settled(mock)


def test_a_peer_that_was_failed_does_not_keep_the_server_up() -> None:
    with running_mock(rate_limit_per_hour=0) as mock, RawSocket.dial(mock.create()["websocketUrl"]) as raw:
        raw.send(frame(3))
        assert raw.read_close() == 1002
        mock.stop()
        assert mock.wait_until_stopped(4)


def test_fragments_with_pings_between_them_are_one_message(new_call: NewCall) -> None:
    with RawSocket.dial(new_call("websocket")) as raw:
        raw.send(frame(TEXT, b'{"type": "pi', fin=False))
        raw.send_frame(PING, b"between")
        raw.send(frame(CONTINUATION, b"", fin=False) + frame(PONG, b"unasked"))
        raw.send(frame(CONTINUATION, b'ng", "timestamp": 7}'))
        assert read_text(raw, "pong") == {"type": "pong", "timestamp": 7}


def test_a_character_in_two_fragments_is_text(new_call: NewCall) -> None:
    with RawSocket.dial(new_call("websocket")) as raw:
        text = '{"type": "user_text_message", "text": "Grüße"}'.encode()
        cut = text.index(b"\xbc")
        raw.send(frame(TEXT, text[:cut], fin=False) + frame(CONTINUATION, text[cut:]))
        assert read_text(raw, "transcript")["text"] == "Grüße"


def test_a_frame_that_comes_byte_by_byte_is_read(new_call: NewCall) -> None:
    with RawSocket.dial(new_call("websocket")) as raw:
        for byte in frame(TEXT, b'{"type": "ping", "timestamp": 7}'):
            raw.send(bytes([byte]))
        assert read_text(raw, "pong")["timestamp"] == 7


def read_text(raw: RawSocket, kind: str) -> dict[str, object]:
    """The next JSON message of a kind."""
    while True:
        opcode, payload = raw.read_frame()
        if opcode == TEXT and json.loads(payload)["type"] == kind:
            message: dict[str, object] = json.loads(payload)
            return message


VANISHING: dict[str, Callable[[RawSocket], None]] = {
    "with a close": lambda raw: raw.send_frame(CLOSE, b"\x03\xe8"),
    "with a close that says nothing": lambda raw: raw.send_frame(CLOSE),
    "without a word": lambda raw: raw.say_no_more(),
    "in the middle of a frame": lambda raw: raw.send(frame(BINARY, bytes(1000))[:500]),
    "in the middle of a length": lambda raw: raw.send(b"\x82\xff\x00"),
    "in the middle of a message": lambda raw: raw.send(frame(TEXT, b'{"type":', fin=False)),
    "with a reset": lambda raw: raw.reset(),
}


@pytest.mark.parametrize("kind", ("websocket", "twilio"))
@pytest.mark.parametrize("vanish", VANISHING.values(), ids=VANISHING)
def test_a_peer_that_vanishes_frees_its_call(
    mock: RunningMock, new_call: NewCall, kind: str, vanish: Callable[[RawSocket], None]
) -> None:
    url = new_call(kind, greeting="One, two, three, four, five, six.")
    with RawSocket.dial(url) as raw:
        vanish(raw)
    assert settled(mock)


def test_a_peer_that_half_closes_is_let_go(mock: RunningMock, new_call: NewCall) -> None:
    with RawSocket.dial(new_call("websocket")) as raw:
        raw.say_no_more()
        raw.read_close()
        assert settled(mock)


def test_a_peer_that_does_not_answer_a_close_is_dropped(mock: RunningMock, new_call: NewCall) -> None:
    with RawSocket.dial(new_call("twilio")) as raw:
        raw.send_frame(TEXT, b'{"event": "stop"}')
        assert raw.read_close() == 1000
        assert settled(mock)


@pytest.mark.parametrize("kind", ("websocket", "twilio"))
def test_a_peer_that_says_nothing_is_not_hung_up_on(mock: RunningMock, new_call: NewCall, kind: str) -> None:
    with connect(new_call(kind), proxy=None) as peer:
        time.sleep(0.5)
        assert peer.ping().wait(5)
        assert comes_true(lambda: len(mock.mock.switchboard) == 1)
    assert settled(mock)


@only_linux
def test_a_peer_that_never_reads_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    with running_mock(rate_limit_per_hour=0, behaviour="echo") as mock:
        rates = {"inputSampleRate": 8000, "outputSampleRate": 8000}
        url = mock.create_inline(greeting="", connectionType="websocket", websocket=rates)["websocketUrl"]
        with RawSocket.dial(url) as raw:
            with suppress(ConnectionError, TimeoutError):
                for _ in range(100):
                    raw.send(frame(BINARY, bytes(400_000)))
            assert settled(mock)
            assert comes_true(lambda: not raw.is_held())
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def quick_to_give_up(server: Server) -> None:
    """Have the server hold little that is unread, and ask soon whether the other end is there."""
    server.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    server.config.ws_ping_interval = server.config.ws_ping_timeout = 0.3


@only_linux
def test_a_peer_that_vanishes_with_data_unread_is_let_go() -> None:
    with running_mock(quick_to_give_up, rate_limit_per_hour=0, behaviour="echo") as mock:
        rates = {"inputSampleRate": 8000, "outputSampleRate": 8000}
        url = mock.create_inline(greeting="", connectionType="websocket", websocket=rates)["websocketUrl"]
        with RawSocket.dial(url) as raw:
            # Less than makes the mock drop a slow reader, and more than any buffer on the way holds.
            for _ in range(7):
                raw.send(frame(BINARY, bytes(400_000)))
            assert settled(mock)
            assert comes_true(lambda: not raw.is_held())


def requests_in_pieces(head: str, method: str = "POST") -> list[list[bytes]]:
    """A request to create a call with more in its head, in one packet and in two."""
    body = json.dumps({"agentId": "agent_demo"})
    lines = [
        f"{method} /calls/create HTTP/1.1",
        "Host: x",
        "X-API-Key: ck_mock_valid",
        "Content-Type: application/json",
    ]
    whole = "\r\n".join([*lines, f"Content-Length: {len(body)}", head, "", ""]).encode()
    return [[whole + body.encode()], [whole, body.encode()]]


@pytest.mark.parametrize(
    "offer",
    [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        "Connection: upgrade\r\nupgrade: TLS/1.0",
        "Connection: Upgrade\r\nUpgrade: websocket",
    ],
)
@pytest.mark.parametrize("packets", [0, 1])
def test_a_request_that_offers_another_protocol_keeps_its_body(mock: RunningMock, offer: str, packets: int) -> None:
    with RawSocket.connect(mock.base_url) as raw:
        for piece in requests_in_pieces(offer)[packets]:
            raw.send(piece)
            time.sleep(0.05)
        assert raw.read_status() == 201
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.read_status() == 200


@pytest.mark.parametrize("method", ["FOO", "post", "CONNECT", "PROPFIND", "X-Y_Z"])
def test_a_method_that_nobody_knows_is_405(mock: RunningMock, method: str) -> None:
    with RawSocket.connect(mock.base_url) as raw:
        raw.send(requests_in_pieces("X-A: b", method)[0][0])
        answer = raw.read_answer()
    assert answer.startswith(b"HTTP/1.1 405")
    assert b"allow: POST" in answer
    assert b'"METHOD_NOT_ALLOWED"' in answer


def test_a_line_that_is_no_request_is_400_in_the_contracts_shape(mock: RunningMock) -> None:
    with RawSocket.connect(mock.base_url) as raw:
        raw.send(b"GET /calls/create\r\nthis is not HTTP\r\n\r\n")
        answer = raw.read_answer()
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'{"error":{"message":' in answer


@only_linux
def test_a_peer_that_pings_and_does_not_read_is_let_go() -> None:
    def little_is_unread(server: Server) -> None:
        server.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    with (
        running_mock(little_is_unread, rate_limit_per_hour=0) as mock,
        RawSocket.dial(mock.create()["websocketUrl"]) as raw,
    ):
        with suppress(ConnectionError, TimeoutError):
            for _ in range(2_000):
                raw.send(frame(PING, bytes(125)) * 100)
        assert settled(mock)


def test_fragments_that_bring_nothing_fill_no_memory(new_call: NewCall) -> None:
    with RawSocket.dial(new_call("websocket")) as raw:
        raw.send(frame(TEXT, b'{"type": "ping", ', fin=False))
        raw.send(frame(CONTINUATION, b"", fin=False) * 10_000)
        raw.send(frame(PING))
        while raw.read_frame()[0] != PONG:
            pass
        held = [each._fragments for each in gc.get_objects() if issubclass(type(each), WebSocket)]
        assert max(len(fragments) for fragments in held if fragments is not None) == len(b'{"type": "ping", ')
        raw.send(frame(CONTINUATION, b'"timestamp": 1.5}'))
        while True:
            _, payload = raw.read_frame()
            if b'"pong"' in payload:
                break


@pytest.mark.parametrize("where", ["a blocked caller", "a half-sent request"])
def test_the_server_goes_down_within_five_seconds_whoever_holds_on(where: str) -> None:
    with running_mock(rate_limit_per_hour=0, behaviour="echo") as mock:
        rates = {"inputSampleRate": 8000, "outputSampleRate": 8000}
        url = mock.create_inline(greeting="", connectionType="websocket", websocket=rates)["websocketUrl"]
        with RawSocket.dial(url) as caller, RawSocket.connect(mock.base_url) as client:
            if where == "a blocked caller":
                for _ in range(3):
                    caller.send(frame(BINARY, bytes(400_000)))
            client.send(requests_in_pieces("X-A: b")[1][0])
            time.sleep(0.3)
            mock.stop()
            stopped_at = time.monotonic()
            answer = client.read_answer()
            assert answer.startswith(b"HTTP/1.1 503")
            assert b"shutting down" in answer and b'"SERVICE_UNAVAILABLE"' in answer
            assert mock.wait_until_stopped(5.0 - (time.monotonic() - stopped_at))
