"""What connexion asks of a key, where it is named in APIKEYINFO_FUNC."""

from __future__ import annotations


def check(api_key: str, required_scopes: list[str] | None = None) -> dict[str, str] | None:
    """The one key that works; None for all others, which connexion answers with 401."""
    return {"sub": "valid"} if api_key == "ck_mock_valid" else None
