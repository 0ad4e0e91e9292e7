"""A website's own client, in JavaScript, with fetch and `ws`: what it saw is asserted on here."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import NodePackage
from tests.running import VALID_KEY, RunningMock

SCRIPT = Path(__file__).with_name("website.mjs")
SECONDS = 60
"""Above the script's own bound, so that its own words are heard first."""

Seen = dict[str, Any]


@pytest.fixture(scope="module")
def seen(mock: RunningMock, node_with: NodePackage) -> Seen:
    """The script's summary of one call."""
    command = (node_with("ws"), SCRIPT, mock.base_url, VALID_KEY["X-API-Key"])
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    summary: Seen = json.loads(done.stdout)
    return summary


def test_the_call_is_created_for_a_custom_client(seen: Seen) -> None:
    assert seen["call"] == {"connectionType": "websocket", "status": "created"}


@pytest.mark.parametrize("said", ("greeting", "answer", "apology"))
def test_what_the_agent_says_is_heard(seen: Seen, said: str) -> None:
    assert seen["audio"][said]["ms"] > 500
    assert seen["audio"][said]["peak"] > 3000


@pytest.mark.parametrize("waited", ("untilAnswered", "whileWaiting"))
def test_nothing_is_said_until_the_tool_has_answered(seen: Seen, waited: str) -> None:
    assert seen["audio"][waited]["ms"] == 0


def test_the_pieces_of_what_the_agent_says_join_to_its_final_text(seen: Seen) -> None:
    spoken = [line for line in seen["transcript"] if line["role"] == "agent"]
    assert [line["joined"] for line in spoken] == [line["final"] for line in spoken]
    assert min(line["pieces"] for line in spoken) > 2


def test_the_greeting_is_transcribed_word_for_word(seen: Seen) -> None:
    first = seen["transcript"][0]
    assert (first["role"], first["final"]) == ("agent", "Hello, what shall it be?")


def test_ordinals_rise_and_alternate_between_the_two(seen: Seen) -> None:
    lines = seen["transcript"]
    ordinals = [line["ordinal"] for line in lines]
    assert ordinals == sorted(set(ordinals))
    assert [line["role"] for line in lines] == ["agent", "user", "agent", "user", "agent"]


def test_caller_turns_come_as_one_final_message_in_their_medium(seen: Seen) -> None:
    turns = [line for line in seen["transcript"] if line["role"] == "user"]
    assert [(line["pieces"], line["medium"]) for line in turns] == [(1, "voice"), (1, "text")]
    assert turns[1]["final"] == "Please do showProduct again"


def test_the_states_follow_the_conversation(seen: Seen) -> None:
    turn = ["thinking", "speaking", "listening"]
    assert seen["states"] == ["listening", "speaking", "listening", *turn, *turn]


def test_the_client_tool_is_invoked_by_voice_and_by_name(seen: Seen) -> None:
    for invocation in seen["invocations"]:
        assert invocation["toolName"] == "showProduct"
        assert invocation["parameters"] == {"productId": "shoe-7"}
    assert len({invocation["invocationId"] for invocation in seen["invocations"]}) == 2


def test_the_tools_answers_are_spoken(seen: Seen) -> None:
    answers = [line["final"] for line in seen["transcript"] if line["role"] == "agent"][1:]
    assert "Here it is." in answers[0]
    assert "None left" in answers[1]


def test_only_documented_messages_come(seen: Seen) -> None:
    assert seen["types"] == ["client_tool_invocation", "state", "transcript"]


def test_hanging_up_is_closing_the_socket_and_the_url_is_dead_then(seen: Seen) -> None:
    assert seen["closeCode"] == 1000
    assert seen["secondDial"] == 404
