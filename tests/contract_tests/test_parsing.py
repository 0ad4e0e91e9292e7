from __future__ import annotations

import base64

import pytest

from contract_tests.parsing import json_value, jwt_part


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a":' * 100_000, b"\xff", b'"\x80"'])
def test_what_is_no_json_or_too_deep_is_none(text: str | bytes) -> None:
    assert json_value(text) is None


@pytest.mark.parametrize("text", ["", "e30é", "A", base64.urlsafe_b64encode(b"[" * 100_000).decode(), "bm8"])
def test_what_is_no_part_of_a_jwt_is_none(text: str) -> None:
    assert jwt_part(text) is None


def test_a_part_of_a_jwt_needs_no_padding() -> None:
    assert jwt_part("eyJhIjoxfQ") == {"a": 1}
