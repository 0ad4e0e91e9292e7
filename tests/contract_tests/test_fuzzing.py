"""How odd requests are made, and how one that fails is made small."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from contract_tests.context import audio_settings
from contract_tests.fuzzing import made_elsewhere
from contract_tests.odd import DAMAGES, PIECES, Rotation, odd_text
from contract_tests.shrinking import shrunk

PLAIN = {"greeting": "Hello", "voice": "Mark"}
BODY = {
    "greeting": "é" * 300 + "%" + "x" * 300,
    "metadata": {"a": [1, "b%", {"c": 2**64}], "d": "x" * 5000},
    "temperature": 0.5,
    **{f"field{number}": number for number in range(20)},
}


def _in(value: Any, wanted: Callable[[Any], bool]) -> bool:
    inside = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return wanted(value) or any(_in(inner, wanted) for inner in inside)


@pytest.mark.parametrize(
    ("fails", "smallest"),
    [
        (lambda body: "%" in body["greeting"], {**PLAIN, "greeting": "%"}),
        (lambda body: len(body["greeting"]) > 255, {**PLAIN, "greeting": "x" * 256}),
        (lambda body: _in(body, lambda value: value == 2**64), {**PLAIN, "metadata": {"a": [{"c": 2**64}]}}),
        (lambda body: "field3" in body and "field17" in body, {**PLAIN, "field3": 3, "field17": 17}),
        (lambda body: "voice" not in body, {"greeting": "Hello"}),
        (lambda body: "metadata" in body, {**PLAIN, "metadata": {}}),
    ],
)
def test_what_fails_is_made_a_plain_request_with_one_oddity(
    fails: Callable[[Any], bool], smallest: dict[str, Any]
) -> None:
    tries = []

    async def asked(body: Any) -> bool:
        tries.append(body)
        return fails(body)

    assert asyncio.run(shrunk(BODY, PLAIN, asked)) == smallest
    assert len(tries) <= 50


def test_in_turn_each_place_is_damaged_in_each_way() -> None:
    rotation = Rotation(Random(1))
    body = {"a": 1, "b": {"c": ["text"]}}
    ways = {f"{place} is {damage}" for place in ("a", "b", "b.c", "b.c[]") for damage in DAMAGES}
    found = [rotation.damaged(body, lambda damaged: True) for _ in range(2 * len(ways))]
    assert {what for what, _ in filter(None, found)} == ways


def test_a_damaged_body_differs_in_one_place() -> None:
    found = Rotation(Random(1)).damaged({"a": 1, "b": "x"}, lambda damaged: "b" not in damaged)
    assert found == ("b is absent", {"a": 1})


def test_nothing_is_made_where_nothing_fits() -> None:
    assert Rotation(Random(1)).damaged({"a": 1}, lambda damaged: False) is None


def test_odd_texts_hold_every_piece_and_are_long_at_times() -> None:
    random = Random(1)
    texts = [odd_text(random) for _ in range(200)]
    assert all(any(piece in text for text in texts) for piece in PIECES)
    assert any(len(text) > 4096 for text in texts)


def test_what_lies_where_the_judge_is_started_is_not_read_and_nothing_is_left_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.joinpath("schemathesis.toml").write_text("nonsense = 1")
    monkeypatch.chdir(tmp_path)
    known = {"inline": {"systemPrompt": "x", "voice": "Mark", "language": "en", "greeting": "x"}}
    asked = {"known": known, "audio": audio_settings("websocket"), "seed": 1, "most": 3}
    assert [len(bodies) for bodies in asyncio.run(made_elsewhere(asked)).values()] == [3] * 4
    assert os.listdir(tmp_path) == ["schemathesis.toml"]
