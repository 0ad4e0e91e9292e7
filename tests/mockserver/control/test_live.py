"""What the control API does in calls that are in progress."""

from __future__ import annotations

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from mockserver.control.client import ControlError
from mockserver.testing import RunningMock
from tests.mockserver.control.asking import asked, created, dialled, eventually, of_kind, said


def test_the_agent_says_what_it_is_told(mock: RunningMock) -> None:
    with dialled(mock) as (call_id, _):
        mock.speak(call_id, "Your bicycle is ready.")
        eventually(lambda: said(mock, call_id, "Your bicycle"))


def test_keys_are_pressed_in_the_caller_s_place(mock: RunningMock) -> None:
    with dialled(mock, firstSpeaker="user") as (call_id, _):
        mock.press_digits(call_id, "42#")
        eventually(lambda: said(mock, call_id, "You pressed 4"))
    pressed = of_kind(mock, call_id, "Digit", "caller")
    assert [event.detail for event in pressed] == [{"digit": "4"}, {"digit": "2"}, {"digit": "#"}]
    assert all(event.wire_bytes is None for event in pressed), "nothing went over the wire"


def test_a_client_tool_is_answered_in_the_caller_s_place(mock: RunningMock) -> None:
    tool = {"temporaryTool": {"modelToolName": "look_up", "description": "d", "client": {}}}
    with dialled(mock, firstSpeaker="user", selectedTools=[tool]) as (call_id, line):
        line.send('{"type":"user_text_message","text":"look_up"}')
        (invoked,) = eventually(lambda: of_kind(mock, call_id, "ToolInvoked"))
        mock.answer_tool(call_id, invoked.detail["invocationId"], result="Monday")
        eventually(lambda: said(mock, call_id, "The tool look_up answered"))


def test_what_cannot_be_done_is_refused_with_the_reason(mock: RunningMock) -> None:
    waiting = created(mock)["id"]
    with pytest.raises(ControlError, match="409 CONFLICT: this call is not in progress: it is created"):
        mock.hang_up(waiting)
    with pytest.raises(ControlError, match="404 RESOURCE_NOT_FOUND: there is no such call"):
        mock.speak("nobody", "hello")
    with pytest.raises(ControlError, match="404"):
        mock.request("nothing/at all")
    call = created(mock, "twilio")
    with connect(call["websocketUrl"]):
        mock.wait_for(call["id"], "dialled")
        with pytest.raises(ControlError, match="409 CONFLICT: this call's stream is not running"):
            mock.press_digits(call["id"], "1")
    with dialled(mock) as (call_id, _):
        with pytest.raises(ControlError, match='400 VALIDATION_ERROR: digits: "x" does not match'):
            mock.press_digits(call_id, "x")
        with pytest.raises(ControlError, match="400 VALIDATION_ERROR: exactly one of result, error is required"):
            mock.answer_tool(call_id, "a", result="b", error="c")


def test_nothing_can_be_done_in_a_call_whose_room_nobody_joined_but_to_end_it(mock: RunningMock) -> None:
    with dialled(mock, "webrtc") as (call_id, line):
        with pytest.raises(ControlError, match="409 CONFLICT: this call has not begun: nobody has joined its room"):
            mock.speak(call_id, "hello")
        with pytest.raises(ControlError, match="409 CONFLICT: this call has not begun"):
            mock.press_digits(call_id, "1")
        mock.hang_up(call_id)
        with pytest.raises(ConnectionClosed, match="through the control API"):
            while True:
                line.recv(timeout=5)


def test_a_number_may_be_as_large_as_it_likes(mock: RunningMock) -> None:
    call_id = created(mock)["id"]
    for path in ("requests?after=", "calls?after=", f"calls/{call_id}/events?after=", "changes?waitS=0&after="):
        assert asked(mock, path + "9" * 99).status_code == 200
    assert asked(mock, "changes?waitS=5e-324").status_code == 200
    for number in ("61", "1e99", "1e999", "nan", "inf", "-1"):
        assert asked(mock, f"changes?waitS={number}").status_code == 400


@pytest.mark.parametrize("query", ["after=-2", "after=x", "limit=0", "limit=2001", "limit=1.5", "after="])
def test_a_parameter_that_makes_no_sense_is_refused(mock: RunningMock, query: str) -> None:
    answer = asked(mock, f"requests?{query}")
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert answer.json()["error"]["message"].startswith(query.partition("=")[0])
