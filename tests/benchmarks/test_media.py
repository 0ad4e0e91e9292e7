"""The report of `benchmarks.media`, on measurements of which the answer is known."""

from __future__ import annotations

import pytest

from benchmarks.media_report import ECHO, LEAST, LOOP, MOCK, SENDING, Trial, part_of, record, section


def trial(server: str, calls: int, number: int = 0, cpu_us: float = 10, p99_ms: float = 5) -> Trial:
    return Trial(
        server=server,
        calls=calls,
        round=number,
        cpu_us=cpu_us,
        core=0.5,
        p50_ms=1,
        p99_ms=p99_ms,
        sent_p99_ms=2,
        frames_a_second=50,
        kb_a_call=30,
        foreign_cores=0.01,
    )


TRIALS = [
    trial(ECHO, 100),
    trial(LEAST, 100, cpu_us=12.5),
    trial(MOCK, 100, cpu_us=20),
    trial(ECHO, 200),
    trial(MOCK, 200, cpu_us=12.5),
    trial(ECHO, 300),
    # Late: what it costs then is no price of a call that works.
    trial(MOCK, 300, cpu_us=1000, p99_ms=21),
    trial(ECHO, 100, number=1, cpu_us=7),
    trial(MOCK, 100, number=1, cpu_us=10),
]


def test_ratios_are_of_one_round_and_of_those_on_time() -> None:
    medians = record(TRIALS)["medians"]
    assert medians["ratio"] == 0.7
    assert medians["ratio to by hand"] == 0.625
    assert medians["mock, calls on time"] == 150  # 200 in one round, 100 in the other
    assert medians["picows echo, calls on time"] == 200
    text = section(TRIALS, None)
    assert "0.70 [0.50-0.80]" in text
    assert "the server by hand 0.80" in " ".join(text.split())
    assert "py-spy is not installed" in text


@pytest.mark.parametrize(
    ("innermost", "part"),
    [
        ("WebSocket.send (mockserver/websocket.py:112)", SENDING),
        ("Ear.hear (mockserver/hearing.py:100)", "hearing: loudness and turns"),
        ("Runner.run (asyncio/runners.py:118)", LOOP),
        ("choice (random.py:3)", "the rest"),
    ],
)
def test_a_profile_says_what_each_part_of_a_call_takes(innermost: str, part: str) -> None:
    stack = f"main (calls/__main__.py:1);WebSocket.on_ws_frame (mockserver/websocket.py:149);{innermost}"
    assert part_of(stack) == part
    tick = "Ticker.catch_up (mockserver/ticker.py:80);Mouth.tick (mockserver/speaking.py:104)"
    assert f"| {part} | 75% |" in section(TRIALS, {stack: 3, tick: 1})


def test_a_profile_is_of_calls_and_nothing_else() -> None:
    assert part_of("main (calls/__main__.py:1);post (mockserver/http.py:2);read (contract/json.py:3)") is None
