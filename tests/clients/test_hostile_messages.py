"""Whatever a peer says, its call goes on or is closed with a reason, and other calls never notice."""

from __future__ import annotations

import base64
import json
import logging
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from contract_tests.damage import damaged
from mockserver.session import MOST_FAULTS_LOGGED
from tests.clients.caller import CARRIERS, KINDS, PATIENCE_S, QUESTION, START, ask, begun, close_code, dialled, said
from tests.clients.conftest import NewCall
from tests.documents.payloads import meant, message, recorded

CAP = 1024 * 1024
"""The longest message that the mock reads, in bytes."""

pytestmark = pytest.mark.usefixtures("the_server_goes_on")

BAD_TEXTS = {
    "nothing": "",
    "a word": "hello",
    "half an object": '{"event": "media", "type": "ping"',
    "two objects": "{}{}",
    "an array": "[]",
    "a number": "1",
    "a string": '"start"',
    "null": "null",
    "an empty object": "{}",
    "NaN": '{"event": NaN, "type": NaN, "timestamp": NaN}',
    "infinity": '{"type": "ping", "timestamp": 1e999}',
    "5000 digits": '{"type": "ping", "timestamp": ' + "9" * 5000 + "}",
    "100000 deep": "[" * 100_000,
    "100000 deep, inside": '{"type": "ping", "event": "media", "media": ' + '{"a":' * 100_000 + "}" * 100_001,
    "a NUL": "\x00",
    "a NUL in a string": '{"event": "me\x00dia", "type": "pi\x00ng"}',
    "an escaped NUL": '{"event": "media\\u0000", "type": "ping\\u0000"}',
    "a lone surrogate": '{"event": "\\ud800", "type": "\\udfff"}',
    "a lone surrogate as a key": '{"\\ud800": 1}',
    "duplicate keys": '{"event": "media", "event": "media", "media": {}, "media": 1, "type": "ping", "type": "x"}',
    "an unknown event": '{"event": "dance", "type": "dance"}',
    "an event that is a number": '{"event": 5, "type": 5}',
    "an event that is an object": '{"event": {}, "type": {}}',
    "an event that is null": '{"event": null, "type": null}',
    "a byte order mark": '\ufeff{"event": "media", "type": "ping"}',
    "many keys": json.dumps({f"key{number}": number for number in range(50_000)}),
    "as long as may be": '{"event": "' + "x" * (CAP - 13) + '"}',
}


every_kind = pytest.mark.parametrize("kind", KINDS)
every_carrier = pytest.mark.parametrize("kind", CARRIERS)


@every_kind
@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_a_bad_text_does_not_end_the_call(new_call: NewCall, kind: str, text: str) -> None:
    with begun(new_call(kind), kind) as socket:
        socket.send(text)
        ask(socket, kind)


@every_carrier
@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_a_bad_text_before_the_start_does_not_end_the_call(new_call: NewCall, kind: str, text: str) -> None:
    with dialled(new_call(kind)) as socket:
        socket.send(text)
        socket.send(START[kind])
        ask(socket, kind)


@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_a_custom_client_is_told_what_was_wrong_with_its_text(new_call: NewCall, text: str) -> None:
    with begun(new_call("websocket"), "websocket") as socket:
        socket.send(text)
        told = [heard for heard in ask(socket, "websocket") if heard["type"] == "error"]
        assert [len(error["message"]) > 10 for error in told] == [True]


@every_kind
def test_a_text_over_the_cap_closes_the_socket(new_call: NewCall, kind: str) -> None:
    with begun(new_call(kind), kind) as socket:
        socket.send("x" * (CAP + 1))
        assert close_code(socket)[0] == 1009


def test_audio_over_the_cap_closes_the_socket(new_call: NewCall) -> None:
    with begun(new_call("websocket"), "websocket") as socket:
        socket.send(bytes(CAP + 2))
        assert close_code(socket)[0] == 1009


@every_kind
def test_a_message_in_fragments_over_the_cap_closes_the_socket(new_call: NewCall, kind: str) -> None:
    with begun(new_call(kind), kind) as socket:
        # It may be closed before the last fragment, an empty one, is sent.
        with suppress(ConnectionClosed):
            socket.send("x" * 65536 for _ in range(17))
        assert close_code(socket)[0] == 1009


@every_kind
def test_a_message_in_fragments_is_one_message(new_call: NewCall, kind: str) -> None:
    with begun(new_call(kind), kind) as socket:
        socket.send(iter(QUESTION[kind]))
        ask(socket, kind)
        ask(socket, kind)


@every_kind
def test_pings_are_answered_while_the_agent_talks(new_call: NewCall, kind: str) -> None:
    with begun(new_call(kind, greeting="One, two, three, four."), kind) as socket:
        for payload in (b"", b"hello", b"x" * 125):
            assert socket.ping(payload).wait(PATIENCE_S)


@every_carrier
@pytest.mark.parametrize("payload", (b"", b"\xff" * 160, b"{}", bytes(CAP)), ids=("empty", "audio", "JSON", "1 MiB"))
def test_a_binary_message_on_a_carriers_socket_is_survived(new_call: NewCall, kind: str, payload: bytes) -> None:
    with begun(new_call(kind), kind) as socket:
        socket.send(payload)
        ask(socket, kind)


@pytest.mark.parametrize("length", (1, 319, 65537))
def test_half_a_sample_of_pcm_is_objected_to(new_call: NewCall, length: int) -> None:
    with begun(new_call("websocket"), "websocket") as socket:
        socket.send(bytes(length))
        errors = [heard["message"] for heard in ask(socket, "websocket") if heard["type"] == "error"]
        assert errors == [f"{length} bytes are not a whole number of 16-bit samples"]


def test_no_audio_at_all_is_no_fault(new_call: NewCall) -> None:
    with begun(new_call("websocket"), "websocket") as socket:
        socket.send(b"")
        assert [heard["type"] for heard in ask(socket, "websocket")] == ["state"]


@every_kind
def test_each_damaged_message_is_survived(new_call: NewCall, kind: str) -> None:
    ending = ("Started", "Stopped", "HangUp")
    for line in recorded(kind):
        if line["from"] != "carrier" or line["event"] in ending or "binary_hex" in line:
            continue
        name = meant(kind, line)
        assert name
        with begun(new_call(kind), kind) as socket:
            for _, _, body in damaged(message(kind, name)["payload"], line["message"]):
                socket.send(json.dumps(body))
            ask(socket, kind)


@every_carrier
def test_each_damaged_start_is_survived_or_refused_with_a_reason(new_call: NewCall, kind: str) -> None:
    for _, _, body in damaged(message(kind, "start")["payload"], json.loads(START[kind])):
        with dialled(new_call(kind)) as socket:
            socket.send(json.dumps(body))
            try:
                socket.send(START[kind])
                ask(socket, kind)
            except ConnectionClosed as closed:
                assert closed.rcvd
                assert closed.rcvd.code == 1008
                assert "PCMU" in closed.rcvd.reason


@every_carrier
@pytest.mark.parametrize(
    "payload",
    (
        "",
        "A",
        "AAA",
        "A===",
        "====",
        "AA==AA==",
        "not base64",
        "__--",
        "AAA\nA",
        "ÿÿÿÿ",
        "/" * 700_000,
        "UklGRiQAAABXQVZF",
    ),
    ids=lambda payload: payload[:12].strip() or "empty",
)
def test_odd_payloads_are_survived(new_call: NewCall, kind: str, payload: str) -> None:
    body = said(kind, "Audio")
    with begun(new_call(kind), kind) as socket:
        socket.send(json.dumps({**body, "media": {**body["media"], "payload": payload}}))
        ask(socket, kind)


def test_minutes_of_audio_in_one_message_are_one_turn(new_call: NewCall) -> None:
    body = said("twilio", "Audio")
    loud = base64.b64encode(b"\x00\x80" * 240_000).decode()
    with begun(new_call("twilio"), "twilio") as socket:
        socket.send(json.dumps({**body, "media": {**body["media"], "payload": loud}}))
        ask(socket, "twilio")


def test_a_megabyte_of_typed_text_does_not_hold_the_agent_up(new_call: NewCall) -> None:
    with begun(new_call("websocket"), "websocket") as socket:
        for text in ("la " * 300_000, "la" * 450_000, "," * 900_000):
            socket.send(json.dumps({"type": "user_text_message", "text": text}))
            ask(socket, "websocket")


def test_a_flood_of_faults_does_not_fill_the_log(new_call: NewCall, caplog: pytest.LogCaptureFixture) -> None:
    url = new_call("websocket")
    with caplog.at_level(logging.WARNING, "calls"), begun(url, "websocket") as socket:
        for _ in range(10 * MOST_FAULTS_LOGGED):
            socket.send("{")
        told = [heard for heard in ask(socket, "websocket") if heard["type"] == "error"]
    assert len(told) == 10 * MOST_FAULTS_LOGGED
    assert len([line for line in caplog.messages if "not allowed" in line]) == MOST_FAULTS_LOGGED
    assert url.rpartition("/")[2] not in caplog.text
