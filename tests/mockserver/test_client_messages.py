from __future__ import annotations

from typing import Any

import pytest

from contract.errors import PeerError
from contract.events import (
    Audio,
    Fault,
    OutputMedium,
    Ping,
    Pong,
    StateChanged,
    TextMessage,
    ToolInvoked,
    ToolResult,
    Transcript,
)
from mockserver.conversation import MOST_AWAITED
from mockserver.speaking import MOST_WAITING
from tests.mockserver.talk import PCM16K, WEBSOCKET, Talk

TOOL = {"temporaryTool": {"modelToolName": "getWeather", "client": {}, "timeout": "5s"}}


def test_pieces_of_one_ordinal_join_to_its_final_text() -> None:
    talk = Talk(greeting="Hello,  there: how are you?", **WEBSOCKET)
    talk.wait(10)
    pieces = talk.of(Transcript)
    joined = "".join(event.text or event.delta or "" for event in pieces if not event.final)
    assert [event.text for event in pieces if event.final] == [joined] == ["Hello,  there: how are you?"]
    assert [event.final for event in pieces] == [False] * (len(pieces) - 1) + [True]
    assert pieces[0].text is not None
    assert all(event.delta for event in pieces[1:-1])
    assert len(pieces) > 3


def test_ordinals_rise_in_conversation_order_and_a_user_turn_is_one_final_message() -> None:
    talk = Talk(greeting="Hi", **WEBSOCKET)
    talk.wait(2)
    talk.speak(1.8, PCM16K)
    talk.wait(5)
    finals = [(event.ordinal, event.role) for event in talk.of(Transcript) if event.final]
    assert finals == [(0, "agent"), (1, "user"), (2, "agent")]
    user = [event for event in talk.of(Transcript) if event.role == "user"]
    assert user == [Transcript(role="user", ordinal=1, final=True, text="(caller spoke for 1.8 s)", medium="voice")]


def test_states_follow_the_agent() -> None:
    talk = Talk(greeting="Hi", **WEBSOCKET)
    talk.wait(3)
    assert [event.state for event in talk.of(StateChanged)] == ["listening", "speaking", "listening"]


def test_typed_text_is_answered_as_if_it_had_been_spoken() -> None:
    talk = Talk(first_speaker="user", **WEBSOCKET)
    talk.hear(TextMessage(text="hello"))
    talk.wait(5)
    assert talk.of(Transcript)[0] == Transcript(role="user", ordinal=0, final=True, text="hello", medium="text")
    assert talk.of(Transcript)[-1].text == "You wrote: hello"
    assert talk.of(Audio)


def test_a_client_that_wants_text_gets_no_audio() -> None:
    talk = Talk(first_speaker="user", **WEBSOCKET)
    talk.hear(OutputMedium(medium="text"))
    talk.hear(TextMessage(text="hello"))
    talk.wait(5)
    assert talk.of(Audio) == []
    assert talk.of(Transcript)[-1] == Transcript(
        role="agent", ordinal=1, final=True, text="You wrote: hello", medium="text"
    )


def test_a_client_tool_is_called_and_only_its_answer_is_spoken() -> None:
    talk = Talk(first_speaker="user", tools=[TOOL], **WEBSOCKET)
    talk.speak(1, PCM16K)
    talk.wait(2)
    assert talk.of(ToolInvoked) == [ToolInvoked(invocation_id="invocation-1", tool_name="getWeather", parameters={})]
    assert talk.of(Audio) == []
    talk.hear(ToolResult(invocation_id="invocation-1", result="rain"))
    talk.wait(6)
    assert talk.of(Transcript)[-1].text == "The tool getWeather answered: rain"
    assert talk.of(Audio)


def test_a_tool_result_is_taken_once_and_an_unknown_one_is_ignored() -> None:
    talk = Talk(first_speaker="user", tools=[TOOL], **WEBSOCKET)
    talk.speak(1, PCM16K)
    talk.wait(1)
    talk.hear(ToolResult(invocation_id="unknown", result="rain"))
    talk.wait(1)
    assert talk.of(Audio) == []
    for _ in range(2):
        talk.hear(ToolResult(invocation_id="invocation-1", result="rain"))
    talk.wait(20)
    assert [event.text for event in talk.of(Transcript) if event.final and event.role == "agent"] == [
        "The tool getWeather answered: rain"
    ]


def test_a_failed_tool_is_spoken_of() -> None:
    talk = Talk(first_speaker="user", tools=[TOOL], **WEBSOCKET)
    talk.speak(1, PCM16K)
    talk.wait(1)
    talk.hear(ToolResult(invocation_id="invocation-1", error="no key"))
    talk.wait(6)
    assert talk.of(Transcript)[-1].text == "The tool getWeather failed: no key"


def test_a_tool_that_does_not_answer_is_given_up_after_its_timeout() -> None:
    talk = Talk(first_speaker="user", tools=[TOOL], **WEBSOCKET)
    talk.speak(1, PCM16K)
    talk.wait(5.5)
    assert talk.of(Audio) == []
    talk.wait(10)
    assert talk.of(Transcript)[-1].text == "The tool getWeather failed: no answer came in time"


def test_other_turns_are_answered_while_a_tool_is_awaited() -> None:
    talk = Talk(first_speaker="user", tools=[{"temporaryTool": {"modelToolName": "slow", "client": {}}}], **WEBSOCKET)
    talk.speak(1, PCM16K)
    talk.wait(1)
    talk.hear(TextMessage(text="are you there?"))
    talk.wait(4)
    assert talk.of(Transcript)[-1].text == "You wrote: are you there?"


def test_an_agent_that_waits_for_a_tool_is_not_silent() -> None:
    slow = {"temporaryTool": {"modelToolName": "slow", "client": {}, "timeout": "30s"}}
    talk = Talk(first_speaker="user", tools=[slow], inactivity_timeout_s=10, **WEBSOCKET)
    talk.speak(1, PCM16K)
    talk.wait(25)
    assert talk.of(Audio) == []


def test_who_types_faster_than_the_agent_speaks_is_answered_so_many_times() -> None:
    talk = Talk(greeting="one two three four five", interruptible=False, max_duration_s=7200, **WEBSOCKET)
    for _ in range(100):
        talk.hear(TextMessage(text="a"))
    talk.wait(200)
    assert [event.text for event in talk.of(Transcript) if event.final].count("You wrote: a") == MOST_WAITING


def test_only_so_many_tool_calls_wait_at_once() -> None:
    talk = Talk(first_speaker="user", tools=[TOOL], **WEBSOCKET)
    for _ in range(MOST_AWAITED + 1):
        talk.hear(TextMessage(text="getWeather, please"))
    assert len(talk.of(ToolInvoked)) == MOST_AWAITED
    talk.wait(4)
    assert "The tool getWeather failed: too many calls at once" in [event.text for event in talk.of(Transcript)]


def test_a_tools_name_within_another_word_calls_nothing() -> None:
    talk = Talk(first_speaker="user", tools=[TOOL], **WEBSOCKET)
    talk.hear(TextMessage(text="forgetWeather"))
    assert talk.of(ToolInvoked) == []


def test_a_tool_result_that_is_no_string_is_spoken_of_as_a_failure() -> None:
    talk = Talk(first_speaker="user", tools=[TOOL], **WEBSOCKET)
    talk.hear(TextMessage(text="getWeather"))
    talk.hear(ToolResult(invocation_id="invocation-1"))
    talk.wait(8)
    assert talk.of(Transcript)[-1].text == "The tool getWeather failed: its result is not a string"


def test_a_ping_is_answered_with_its_own_time() -> None:
    talk = Talk(**WEBSOCKET)
    talk.hear(Ping(timestamp=1.5))
    assert talk.of(Pong) == [Pong(timestamp=1.5)]


@pytest.mark.parametrize(("settings", "faults"), [(WEBSOCKET, 1), ({"connection_type": "twilio"}, 0)])
def test_a_message_that_is_not_allowed_is_objected_to_where_that_can_be_said(
    settings: dict[str, Any], faults: int
) -> None:
    talk = Talk(**settings)
    talk.said += [(0.0, event) for event in talk.conversation.object(PeerError("x", "$.y", "is wrong"))]
    assert len(talk.of(Fault)) == faults
