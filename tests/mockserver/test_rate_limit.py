from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mockserver.rate_limit import RateLimiter, RateState

NOW = 1_000_000.0


def took(limiter: RateLimiter, name: str, now: float = NOW) -> RateState:
    state = limiter.take(name, now)
    assert state is not None
    return state


def test_each_request_leaves_one_less() -> None:
    limiter = RateLimiter(3)
    assert [took(limiter, "a").remaining for _ in range(3)] == [2, 1, 0]


def test_the_request_after_the_last_is_refused() -> None:
    limiter = RateLimiter(1)
    assert took(limiter, "a").allowed
    assert took(limiter, "a") == RateState(limit=1, remaining=0, reset_at=NOW + 3600, allowed=False)


def test_refused_requests_do_not_put_the_reset_off() -> None:
    limiter = RateLimiter(1)
    took(limiter, "a")
    assert took(limiter, "a", NOW + 3599).reset_at == NOW + 3600
    assert took(limiter, "a", NOW + 3600).allowed


def test_names_are_counted_apart() -> None:
    limiter = RateLimiter(1)
    assert took(limiter, "a").allowed and took(limiter, "b").allowed


def test_peeking_counts_nothing() -> None:
    limiter = RateLimiter(5)
    took(limiter, "a")
    assert limiter.peek("a", NOW) == limiter.peek("a", NOW) == RateState(5, 4, NOW + 3600)


def test_an_unknown_name_sees_a_whole_limit() -> None:
    limiter = RateLimiter(5)
    assert limiter.peek(None, NOW) == limiter.peek("never seen", NOW) == RateState(5, 5, NOW + 3600)
    assert len(limiter) == 0


def test_after_its_window_a_name_sees_a_whole_limit() -> None:
    limiter = RateLimiter(5)
    took(limiter, "a")
    assert limiter.peek("a", NOW + 3600) == RateState(5, 5, NOW + 7200)


def test_zero_counts_nothing() -> None:
    limiter = RateLimiter(0)
    assert limiter.take("a", NOW) is None and limiter.peek("a", NOW) is None and len(limiter) == 0


def test_an_exhausted_name_is_refused_at_once_and_told_when_to_come_back() -> None:
    limiter = RateLimiter(10)
    state = limiter.exhaust("a", NOW)
    assert (state.allowed, state.limit, state.remaining, state.retry_after_s(NOW)) == (False, 10, 0, 3600)
    assert limiter.exhaust("a", NOW + 60).retry_after_s(NOW + 60) == 3540


def test_an_exhausted_name_is_refused_with_limits_off_too() -> None:
    assert RateLimiter(0).exhaust("a", NOW) == RateState(1000, 0, NOW + 3600, allowed=False)


def test_the_wait_is_at_least_a_second() -> None:
    assert RateState(1, 0, NOW + 0.001).retry_after_s(NOW) == 1
    assert RateState(1, 0, NOW + 1.001).retry_after_s(NOW) == 2


def test_the_headers_are_whole_numbers_and_the_reset_is_not_early() -> None:
    assert RateState(10, 3, 1000.2).headers() == [
        (b"x-ratelimit-limit", b"10"),
        (b"x-ratelimit-remaining", b"3"),
        (b"x-ratelimit-reset", b"1001"),
    ]


def test_windows_are_forgotten_when_they_end() -> None:
    limiter = RateLimiter(5)
    for number in range(100):
        limiter.take(str(number), NOW)
    limiter.take("later", NOW + 3600)
    assert len(limiter) == 1


def test_made_up_names_cannot_fill_the_memory() -> None:
    limiter = RateLimiter(5, max_names=100)
    for number in range(1000):
        limiter.take(str(number), NOW)
    assert len(limiter) == 100
    assert took(limiter, "999").remaining == 3


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 2000)), max_size=60))
def test_no_name_ever_gets_more_than_its_limit_in_a_window(requests: list[tuple[str, float]]) -> None:
    limiter, now = RateLimiter(4), NOW
    granted: dict[tuple[str, float], int] = {}
    for name, pause in requests:
        now += pause
        state = took(limiter, name, now)
        assert now < state.reset_at <= now + 3600
        granted[name, state.reset_at] = granted.get((name, state.reset_at), 0) + state.allowed
    assert all(count <= 4 for count in granted.values())
