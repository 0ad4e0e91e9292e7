from __future__ import annotations

import pytest

from mockserver.accounts import Account, Accounts, Standing
from mockserver.errors import MissingApiKey, UnknownApiKey


def accounts(*keys: str, any_key: bool = False) -> Accounts:
    return Accounts(keys, any_key=any_key, salt=b"a test's salt")


@pytest.mark.parametrize(
    ("key", "account"),
    [
        (b"ck_mock_valid", Account("valid", Standing.GOOD)),
        (b"ck_mock_no_credit", Account("no-credit", Standing.NO_CREDIT)),
        (b"ck_mock_rate_limited", Account("rate-limited", Standing.OVER_LIMIT)),
    ],
)
def test_the_documented_keys_have_their_standing(key: bytes, account: Account) -> None:
    assert accounts().account_for(key) == account


def test_keys_that_are_added_are_good_and_named_by_their_place() -> None:
    known = accounts("sample-one", "sample-two")
    assert known.account_for(b"sample-two") == Account("key-2")


@pytest.mark.parametrize("key", [None, b""])
def test_no_key_and_an_empty_key_are_missing(key: bytes | None) -> None:
    with pytest.raises(MissingApiKey):
        accounts(any_key=True).account_for(key)


@pytest.mark.parametrize("key", [b"ck_mock_vali", b"ck_mock_valid ", b"CK_MOCK_VALID", b"\xff"])
def test_other_keys_are_unknown(key: bytes) -> None:
    with pytest.raises(UnknownApiKey):
        accounts().account_for(key)


def test_with_any_key_each_key_is_an_account_of_its_own() -> None:
    known = accounts(any_key=True)
    first, second = known.account_for(b"sample-one"), known.account_for(b"sample-two")
    assert first.standing is Standing.GOOD and first.name != second.name
    assert first == known.account_for(b"sample-one")
    assert known.account_for(b"ck_mock_no_credit").standing is Standing.NO_CREDIT


def test_an_account_shows_nothing_of_its_key() -> None:
    known = accounts("sample-one", any_key=True)
    assert "sample" not in repr([known.account_for(b"sample-one"), known.account_for(b"sample-two"), vars(known)])


def test_names_of_made_up_keys_mean_nothing_elsewhere() -> None:
    here, there = Accounts(any_key=True, salt=b"here"), Accounts(any_key=True, salt=b"there")
    assert here.account_for(b"sample").name != there.account_for(b"sample").name
