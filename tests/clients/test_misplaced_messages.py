"""Good messages at the wrong moment: the call goes on, or is closed with a reason."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from tests.clients.caller import CARRIERS, QUESTION, START, STOP, ask, begun, close_code, dialled, said
from tests.clients.conftest import NewCall

pytestmark = pytest.mark.usefixtures("the_server_goes_on")

every_carrier = pytest.mark.parametrize("kind", CARRIERS)


@every_carrier
def test_media_and_everything_else_before_the_start_is_survived(new_call: NewCall, kind: str) -> None:
    with dialled(new_call(kind)) as socket:
        for event in ("Audio", "Digit", "Mark"):
            socket.send(json.dumps(said(kind, event)))
        socket.send(START[kind])
        ask(socket, kind)


@every_carrier
def test_a_stop_before_the_start_closes_the_socket(new_call: NewCall, kind: str) -> None:
    with dialled(new_call(kind)) as socket:
        socket.send(STOP[kind])
        assert close_code(socket) == (1000, "the carrier stopped the stream")


@every_carrier
def test_a_second_start_is_survived(new_call: NewCall, kind: str) -> None:
    with begun(new_call(kind), kind) as socket:
        socket.send(START[kind])
        ask(socket, kind)


@every_carrier
def test_what_comes_after_the_stop_changes_nothing(new_call: NewCall, kind: str) -> None:
    with begun(new_call(kind), kind) as socket:
        # All at once, or the socket may be closed in between.
        with suppress(ConnectionClosed):
            for text in (STOP[kind], START[kind], STOP[kind], QUESTION[kind], "{"):
                socket.send(text)
        assert close_code(socket)[0] == 1000


def test_a_coding_that_the_agent_cannot_hear_is_refused_with_a_reason(new_call: NewCall) -> None:
    body = said("telnyx", "Started")
    opus = {**body["start"], "media_format": {"encoding": "OPUS", "sample_rate": 8000, "channels": 1}}
    with dialled(new_call("telnyx")) as socket:
        socket.send(json.dumps({**body, "start": opus}))
        code, reason = close_code(socket)
        assert code == 1008
        assert "OPUS" in reason and "PCMA" in reason


def test_answers_to_tools_that_nobody_asked_for_are_ignored(new_call: NewCall) -> None:
    with begun(new_call("websocket"), "websocket") as socket:
        for answer in ({"result": "x"}, {"error": "x"}, {"errorType": "undefined", "errorMessage": "x"}):
            socket.send(json.dumps({"type": "client_tool_result", "invocationId": "nobody", **answer}))
        assert [heard["type"] for heard in ask(socket, "websocket")] == ["state"]
