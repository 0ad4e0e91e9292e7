from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contract_tests.playout import Playout

MOMENTS = st.floats(0, 100, allow_nan=False)
STEPS = st.lists(
    st.tuples(st.sampled_from(["play", "play", "mark", "mark", "clear", "look"]), st.integers(0, 400)), max_size=40
)


def test_audio_is_played_one_piece_after_the_other() -> None:
    playout = Playout()
    assert playout.play(0.5, now=10.0) == 10.0
    assert playout.play(0.5, now=10.1) == 10.5
    assert playout.ends_at == 11.0


def test_audio_that_comes_after_a_gap_is_played_at_once() -> None:
    playout = Playout()
    playout.play(0.5, now=10.0)
    assert playout.play(0.5, now=12.0) == 12.0


def test_a_mark_is_reached_when_the_audio_before_it_has_been_played_and_only_once() -> None:
    playout = Playout()
    playout.play(0.5, now=10.0)
    playout.mark("greeting", now=10.0)
    playout.play(0.5, now=10.0)
    assert playout.reached(10.49) == []
    assert playout.reached(10.5) == ["greeting"]
    assert playout.reached(20.0) == []


def test_a_mark_with_nothing_queued_is_reached_at_once() -> None:
    playout = Playout()
    playout.mark("now", now=10.0)
    assert playout.reached(10.0) == ["now"]


def test_clear_throws_away_what_was_not_played_and_every_waiting_mark_is_reached() -> None:
    playout = Playout()
    for name in ("first", "second"):
        playout.play(1.0, now=10.0)
        playout.mark(name, now=10.0)
    playout.clear(now=10.2)
    assert playout.reached(10.2) == ["first", "second"]
    assert playout.play(1.0, now=10.3) == 10.3


def test_marks_of_what_was_thrown_away_need_not_come_back() -> None:
    playout = Playout()
    for name in ("played", "thrown away"):
        playout.play(1.0, now=10.0)
        playout.mark(name, now=10.0)
    playout.clear(now=11.5, marks_return=False)
    assert playout.reached(20.0) == ["played"]


def test_clear_with_nothing_queued_changes_nothing() -> None:
    playout = Playout()
    playout.play(0.5, now=10.0)
    playout.clear(now=11.0)
    assert playout.ends_at == 10.5
    assert playout.play(0.5, now=12.0) == 12.0


@given(STEPS, MOMENTS)
def test_every_mark_comes_back_once_in_order_and_none_before_its_audio_was_played(
    steps: list[tuple[str, int]], begins_at: float
) -> None:
    playout, now = Playout(), begins_at
    audio_until = begins_at
    waiting: list[tuple[float, str]] = []
    asked: list[str] = []
    returned: list[str] = []
    for kind, size in [*steps, ("look", 1_000_000)]:
        now += size / 1000
        if kind == "play":
            assert playout.play(size / 1000, now) >= now
            audio_until = max(audio_until, now) + size / 1000
        elif kind == "mark":
            asked.append(f"mark {len(asked)}")
            playout.mark(asked[-1], now)
            waiting.append((max(audio_until, now), asked[-1]))
        elif kind == "clear":
            playout.clear(now)
            audio_until = min(audio_until, now)
            waiting = [(min(due, now), name) for due, name in waiting]
        else:
            reached = playout.reached(now)
            assert reached == [name for due, name in waiting if due <= now]
            waiting = [(due, name) for due, name in waiting if due > now]
            returned += reached
    assert returned == asked
