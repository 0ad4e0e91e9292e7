"""The report of `benchmarks.webrtc`, on measurements of which the answer is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import media_report
from benchmarks.webrtc_report import part_of, record, section
from benchmarks.webrtc_trials import AtLimit, Measured, Trial, Turnover

AT_REST = Trial(
    calls=10,
    round=0,
    core=0.3,
    callers_core=0.4,
    mb_a_call=2,
    kept_mb=9,
    foreign_cores=0.01,
    concealed=0.0,
    worst_concealed=0.0,
    buffer_ms=40,
    packets_a_second=50,
    deaf=0,
    own_p99_ms=1,
)
LATE = replace(AT_REST, calls=20, core=0.99, concealed=0.011)
TWILIO = media_report.Trial(
    server=media_report.MOCK,
    calls=100,
    round=0,
    cpu_us=60,
    core=0.3,
    p50_ms=1,
    p99_ms=5,
    sent_p99_ms=1,
    frames_a_second=50,
    kb_a_call=30,
    foreign_cores=0,
)
AT_LIMIT = AtLimit(
    limit=20,
    status=503,
    retry_after="5",
    names_option=True,
    concealed=0.001,
    foreign_cores=0.0,
    heard_later=True,
)


def measured(*trials: Trial, stacks: dict[str, int] | None = None) -> Measured:
    turnover = Turnover(calls=20, cpu_ms=25, kept_kb=100)
    return Measured(trials=trials, twilio=[TWILIO], turnover=turnover, at_limit=AT_LIMIT, stacks=stacks)


@pytest.mark.parametrize(
    ("trial", "verdict"),
    [
        (AT_REST, "yes"),
        (replace(AT_REST, concealed=0.01), "yes"),
        (LATE, "no"),
        (replace(AT_REST, packets_a_second=48), "no"),
        (replace(AT_REST, deaf=1), "no"),
        (replace(LATE, callers_core=0.95), "callers too busy"),
        (replace(LATE, own_p99_ms=30), "callers too busy"),
        (replace(LATE, foreign_cores=0.2), "others too busy"),
        # Who heard all in time need not be asked how busy anybody was.
        (replace(AT_REST, callers_core=0.95, foreign_cores=0.5), "yes"),
    ],
)
def test_late_is_what_was_made_up_or_did_not_come_unless_others_were_at_fault(trial: Trial, verdict: str) -> None:
    assert trial.verdict == verdict


def test_a_call_costs_what_it_costs_where_frames_are_on_time() -> None:
    medians = record(measured(AT_REST, LATE))["medians"]
    assert medians["webrtc call, % of a core"] == 3
    assert medians["Twilio call, % of a core"] == 0.3
    assert medians["ratio"] == 10
    assert medians["calls on time"] == 10
    text = section(measured(AT_REST, LATE))
    assert "up to 10 [10-10] calls" in text
    assert "as much as 10 of them" in " ".join(text.split())
    assert "the callers' core" not in text


def test_a_ladder_that_the_callers_ended_says_so() -> None:
    text = section(measured(AT_REST, replace(LATE, callers_core=0.99)))
    assert "the callers' core" in text


def test_nothing_on_time_is_no_number() -> None:
    assert "calls on time" not in record(measured(LATE))["medians"]
    assert "up to - calls" in section(measured(LATE))


@pytest.mark.parametrize(
    ("innermost", "part"),
    [
        ("Encoder.encode (mockserver/webrtc/opus.py:40)", "Opus"),
        ("OpusDecoder.decode (aiortc/codecs/opus.py:30)", "Opus"),
        ("Session.__process (pylibsrtp/__init__.py:250)", "DTLS and SRTP"),
        # What belongs to nobody here counts for who called it.
        ("random (random.py:3)", "RTP and RTCP: aiortc"),
    ],
)
def test_a_profile_says_what_each_part_of_a_call_takes(innermost: str, part: str) -> None:
    stack = f"main (calls/__main__.py:1);_run_rtp (aiortc/rtcrtpsender.py:300);{innermost}"
    assert part_of(stack) == part
    assert f"| {part} | 100% |" in section(measured(AT_REST, stacks={stack: 4}))


@pytest.mark.parametrize(
    "stack",
    [
        "decoder_worker (aiortc/rtcrtpreceiver.py:1);get (queue.py:2);Condition.wait (threading.py:3)",
        "main (calls/__main__.py:1);build (mockserver/app.py:2);<module> (aiortc/rtp.py:3)",
        "main (calls/__main__.py:1);_load (importlib/__init__.py:2);<module> (aiortc/rtp.py:3)",
    ],
    ids=["waits", "the start", "imports"],
)
def test_a_profile_is_of_calls_and_nothing_else(stack: str) -> None:
    assert part_of(stack) is None
