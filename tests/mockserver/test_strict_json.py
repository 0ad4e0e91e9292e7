from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import InvalidBody
from mockserver.strict_json import MAX_DEPTH, parse_object

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(), parts, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "the body is empty; a JSON object is expected"),
        (b" \n\t", "the body is empty; a JSON object is expected"),
        (b"[]", "the body is an array; a JSON object is expected"),
        (b"null", "the body is null; a JSON object is expected"),
        (b"7", "the body is a number; a JSON object is expected"),
        (b'"a"', "the body is a string; a JSON object is expected"),
        (b"true", "the body is a boolean; a JSON object is expected"),
        (b'{"a": NaN}', "the body is not JSON: NaN is no JSON number at line 1, column 7"),
        (b'{"a": Infinity}', "the body is not JSON: Infinity is no JSON number at line 1, column 7"),
        (b'{"a": -Infinity}', "the body is not JSON: -Infinity is no JSON number at line 1, column 8"),
        (b'{"a": 1,\n "b": ?}', "the body is not JSON: invalid character at line 2, column 7"),
        (b'{"\xc3\xa9": 1,}', "the body is not JSON: trailing comma in object at line 1, column 9"),
        (b"{} {}", "the body is not JSON: trailing characters at line 1, column 4"),
        (b'{"a": ', "the body is not JSON: it ends too early"),
        (b'{"a": "\x00"}', "the body is not JSON: invalid character at line 1, column 8"),
        (b'{"a": "\\ud800"}', "the body is not JSON: a \\u escape is half of a pair"),
        (b'{"a": "\\udc00"}', "the body is not JSON: a \\u escape is half of a pair at line 1, column 14"),
        (
            b'{"a": "\\ud800\\u0041 and more"}',
            "the body is not JSON: a \\u escape is half of a pair at line 1, column 20",
        ),
        (b'{"a": "\xff"}', "the body is not UTF-8 at line 1, column 8"),
        (b'{"a": "\xed\xa0\x80"}', "the body is not UTF-8 at line 1, column 8"),
        ('{"a": 1}'.encode("utf-16"), "the body is not JSON: invalid character at line 1, column 1"),
        (b'{"a": ' + b"1" * 5000 + b"}", "the body holds a number with too many digits, or too large a one"),
        (b'{"a": 1e999}', "the body holds a number with too many digits, or too large a one"),
        (b'{"a": -1e999}', "the body holds a number with too many digits, or too large a one"),
        (b"[" * 100_000, "the body nests objects and arrays more than 128 deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "the body nests objects and arrays more than 128 deep"),
    ],
)
def test_what_is_not_an_object_is_told_apart(data: bytes, told: str) -> None:
    with pytest.raises(InvalidBody) as caught:
        parse_object(data)
    assert caught.value.message == told


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


def test_the_deepest_body_is_taken() -> None:
    assert "a" in parse_object(nested(MAX_DEPTH))


def test_one_more_is_too_deep() -> None:
    with pytest.raises(InvalidBody, match="128 deep"):
        parse_object(nested(MAX_DEPTH + 1))


def test_breadth_is_not_depth() -> None:
    assert len(parse_object(json.dumps({"a": [[]] * 1000}).encode())["a"]) == 1000


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": "\\u0000"}', {"a": "\x00"}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a": ' + b"9" * 400 + b"}", {"a": int("9" * 400)}),
    ],
)
def test_odd_json_is_still_json(data: bytes, body: dict[str, object]) -> None:
    assert parse_object(data) == body


@given(st.dictionaries(st.text(), JSON, max_size=5), st.booleans())
def test_what_json_writes_is_read_back(body: dict[str, object], escaped: bool) -> None:
    assert parse_object(json.dumps(body, ensure_ascii=escaped).encode()) == body


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\\u0dDeE+-. NaIty\n', max_size=60).map(str.encode))
def test_any_bytes_are_an_object_or_refused(data: bytes) -> None:
    try:
        assert isinstance(parse_object(data), dict)
    except InvalidBody as error:
        assert error.message.startswith("the body ")
