"""API keys and the accounts they open.  Holds digests of keys, never the keys themselves."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from mockserver.errors import MissingApiKey, UnknownApiKey
from mockserver.settings import MOCK_KEYS


class Standing(enum.Enum):
    """What an account may do."""

    GOOD = "good"
    NO_CREDIT = "no credit"
    OVER_LIMIT = "over its rate limit"


@dataclass(frozen=True, slots=True)
class Account:
    """Who a key belongs to.  `name` is safe to log: no key can be worked out from it."""

    name: str
    standing: Standing = Standing.GOOD


class Accounts:
    """The accounts of one mock.

    `salt` is random for each process: it makes the names of freely made up keys worthless to whoever reads a log, and
    looking a digest up tells nothing, by its time, about how much of a key was right.
    """

    def __init__(self, api_keys: Sequence[str] = (), *, any_key: bool = False, salt: bytes) -> None:
        self._salt = salt
        self._any_key = any_key
        self._by_digest = {
            self._digest(key.encode()): Account(f"key-{number}") for number, key in enumerate(api_keys, start=1)
        }
        built_in = zip(MOCK_KEYS, Standing, ("valid", "no-credit", "rate-limited"), strict=True)
        self._by_digest |= {self._digest(key.encode()): Account(name, standing) for key, standing, name in built_in}

    def find(self, key: bytes | None) -> Account | None:
        """The account that a key opens; None without one."""
        if not key:
            return None
        digest = self._digest(key)
        account = self._by_digest.get(digest)
        if account is None and self._any_key:
            return Account(f"any-{digest.hex()[:12]}")
        return account

    def knows(self, key: bytes) -> bool:
        """Whether this is one of the keys that were known from the start."""
        return self._digest(key) in self._by_digest

    def account_for(self, key: bytes | None) -> Account:
        """The account that a key opens.  Raises MissingApiKey or UnknownApiKey, both 401."""
        if not key:
            raise MissingApiKey()
        account = self.find(key)
        if account is None:
            raise UnknownApiKey()
        return account

    def _digest(self, key: bytes) -> bytes:
        return hashlib.blake2b(key, key=self._salt, digest_size=16).digest()
