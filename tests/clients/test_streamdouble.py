"""streamdouble, a simulator of Twilio that its own users test their agents with, places calls on the mock."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.clients.speech import RATE_HZ, is_sound, likeness, read_wav, speech, write_wav
from tests.running import RunningMock

SECONDS = 60
"""The longest that a call may take: far above what it needs, so that nothing hangs."""

SPOKEN = speech(2.4)
"""120 frames of 20 ms."""


def test_a_call_from_the_command_line_hears_the_greeting_and_its_own_audio(mock: RunningMock, tmp_path: Path) -> None:
    url = mock.create_inline(greeting="Hello, who is speaking?")["websocketUrl"]
    reply = tmp_path / "reply.wav"
    # The agent may be silent for a while between its greeting and the end of the caller's turn.
    options = ("--audio", write_wav(tmp_path / "said.wav", SPOKEN), "--out", reply, "--quiet-period", "2", "--json")
    command = (Path(sys.executable).with_name("streamdouble"), "call", url, *options)
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["frames_sent"] == 120
    assert report["violations"] == report["unknown_events"] == []
    assert report["marks_received"] == report["marks_echoed"] == 2
    assert report["closed_by"] is None
    heard = read_wav(reply)
    # Mu-law alone leaves a likeness of more than 0.999.
    assert likeness(heard, SPOKEN[RATE_HZ // 10 : -RATE_HZ // 10]) > 0.99
    assert is_sound(heard[: len(heard) - len(SPOKEN) - RATE_HZ // 2])


def test_a_scripted_caller_cuts_an_interruptible_greeting(
    mock: RunningMock, tmp_path: Path, simulated_call: Callable[..., Coroutine[Any, Any, Any]]
) -> None:
    url = mock.create_inline(greeting="This is a long greeting. " * 8, interruptible=True)["websocketUrl"]
    write_wav(tmp_path / "interrupt.wav", speech(0.8))
    scenario = tmp_path / "barge_in.yaml"
    steps = (
        "[{wait_for: audio}, {say: interrupt.wav}, {wait: 0.5}, {expect: clear}, {dtmf: '1#'}, {expect: no_violations}]"
    )
    scenario.write_text(f"name: the caller interrupts the greeting\nsteps: {steps}\n", encoding="utf-8")
    report = asyncio.run(simulated_call(url, scenario=scenario))
    assert report.result.failed_expectations == []
    assert report.violations == []
    assert report.spoke


def test_a_caller_of_an_agent_that_waits_hears_nothing_first(mock: RunningMock, tmp_path: Path) -> None:
    url = mock.create_inline(firstSpeaker="user")["websocketUrl"]
    scenario = tmp_path / "silence.yaml"
    scenario.write_text("name: nobody speaks\nsteps: [{wait: 1.0}, {expect: silence}]\n", encoding="utf-8")
    command = (Path(sys.executable).with_name("streamdouble"), "scenario", scenario, url, "--response-timeout", "0.1")
    done = subprocess.run((*command, "--json"), capture_output=True, text=True, timeout=SECONDS)
    # 2: the agent never spoke, which is what it was told.
    assert done.returncode == 2, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["violations"] == []
    assert [expected["passed"] for expected in report["expectations"]] == [True]
