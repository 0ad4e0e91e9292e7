from __future__ import annotations

from datetime import timedelta

from mockserver.store import Call, CallSettings, MemoryCallStore
from tests.mockserver.mock import START

TTL = timedelta(seconds=60)
JUST_IN_TIME = START + TTL - timedelta(microseconds=1)


def call(number: int = 1) -> Call:
    at = START + timedelta(seconds=number - 1)
    return Call(
        id=f"call-{number}",
        token=f"sample-token-{number}",
        kind="inline",
        settings=CallSettings(connection_type="twilio"),
        created_at=at,
        expires_at=at + TTL,
    )


def test_a_token_is_taken_once() -> None:
    store = MemoryCallStore()
    store.add(call())
    assert store.take("sample-token-1", JUST_IN_TIME) == call()
    assert store.take("sample-token-1", JUST_IN_TIME) is None


def test_an_unknown_token_takes_nothing() -> None:
    assert MemoryCallStore().take("sample-token-1", START) is None


def test_a_token_expires() -> None:
    store = MemoryCallStore()
    store.add(call())
    assert store.take("sample-token-1", START + TTL) is None
    assert len(store) == 0


def test_a_restored_token_can_be_taken_again() -> None:
    store = MemoryCallStore()
    store.add(call())
    store.take("sample-token-1", START)
    store.restore("sample-token-1")
    assert store.take("sample-token-1", JUST_IN_TIME) == call()


def test_a_restored_token_lives_no_longer_than_before() -> None:
    store = MemoryCallStore()
    store.add(call())
    store.take("sample-token-1", START)
    store.restore("sample-token-1")
    assert store.take("sample-token-1", START + TTL) is None
    assert len(store) == 0


def test_a_token_restored_after_its_end_is_forgotten() -> None:
    store = MemoryCallStore()
    store.add(call())
    store.take("sample-token-1", JUST_IN_TIME)
    store.add(call(100))
    store.restore("sample-token-1")
    assert store.take("sample-token-1", START + timedelta(seconds=100)) is None
    assert store.take("none", START + timedelta(seconds=1000)) is None
    assert len(store) == 0


def test_restoring_what_was_not_taken_changes_nothing() -> None:
    store = MemoryCallStore()
    store.restore("sample-token-1")
    assert len(store) == 0


def test_a_finished_call_is_forgotten() -> None:
    store = MemoryCallStore()
    store.add(call())
    store.take("sample-token-1", START)
    store.finish("call-1")
    store.restore("sample-token-1")
    assert len(store) == 0 and store.take("sample-token-1", START) is None


def test_finishing_a_call_that_was_not_taken_leaves_it_waiting() -> None:
    store = MemoryCallStore()
    store.add(call())
    store.finish("call-1")
    assert store.take("sample-token-1", START) == call()


def test_expired_calls_are_forgotten_when_others_come() -> None:
    store = MemoryCallStore()
    for number in range(1, 1001):
        store.add(call(number))
    assert len(store) == 60


def test_a_token_is_not_in_any_repr() -> None:
    store = MemoryCallStore()
    store.add(call())
    assert "sample-token" not in f"{call()!r} {call()} {store!r}"
    assert repr(call()) == "Call(id='call-1', kind='inline', connection_type='twilio')"
