"""Keeps secrets out of everything that is shown: keys and dial tokens are replaced by words."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from contract_tests.parsing import jwt_part

_JWT_CLAIMS = re.compile(r"eyJ[\w-]+\.(eyJ[\w-]+)\.")
"""A JWT begins with a JSON object in base64url, and its claims are another one."""

SHORTEST = 4
"""A secret of fewer characters than this cannot be told from other text, so it is not looked for."""

NO_WORD = 24
"""So many letters in a row are no word of a language."""


class Secrets:
    """The secrets of one run, and what stands for each in what people see."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, secret: str | None, word: str) -> None:
        """Never show this text; `word` stands for it."""
        if secret and len(secret) >= SHORTEST and secret not in self._words:
            self._words[secret] = word
            self._words.setdefault(quote(secret, safe=""), word)
            self._pattern = None

    def redact(self, text: str) -> str:
        """The text without any secret."""
        return self._any().sub(lambda found: self._words[found[0]], text) if self._words else text

    def beginning(self, text: str, limit: int) -> str:
        """The first `limit` characters of the text without any secret.

        Never cut a text before: of a secret that is cut in two, the beginning is not known for one.
        """
        if not self._words:
            return text[:limit]
        # No further than is shown: to search an answer of a megabyte takes seconds.
        longest = max(map(len, self._words))
        shown, at = "", 0
        while at < len(text) and len(shown) < limit:
            found = self._any().search(text, at, at + limit + longest)
            if found is None or found.start() >= at + limit:
                return (shown + text[at : at + limit])[:limit]
            shown += text[at : found.start()] + self._words[found[0]]
            at = found.end()
        return shown[:limit]

    def _any(self) -> re.Pattern[str]:
        if self._pattern is None:
            longest_first = sorted(self._words, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        return self._pattern


def is_telling(key: str) -> bool:
    """Whether a key that shows up in some text was certainly put there: words such as `undefined` may stand in any."""
    return len(key) >= (NO_WORD if key.isalpha() else 6)


def shows(text: str, key: str) -> bool:
    """Whether a key can be read in a text, or in the claims of a token (a JWT) that stands in it."""
    if not is_telling(key):
        return False
    return key in text or any(
        key in json.dumps(jwt_part(claims), ensure_ascii=False) for claims in _JWT_CLAIMS.findall(text)
    )
