"""A request body's bytes read as one JSON object, strictly: whatever they are, it is an object or InvalidBody."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from mockserver.errors import InvalidBody

MAX_DEPTH = 128
"""How many objects and arrays may stand within each other."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOT_NUMBERS = re.compile(rb"-?(NaN|Infinity)")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_POSITION = re.compile(r"^(?:JSON is malformed: )?(.*?) \(byte (\d+)\)$")


def parse_object(data: bytes) -> dict[str, Any]:
    """The JSON object in UTF-8 `data`; the last of duplicate keys counts.  Raises InvalidBody, saying where."""
    # RFC 8259, section 8.1: a mark may be ignored.
    data = data.removeprefix(_BYTE_ORDER_MARK)
    if not data.strip():
        raise InvalidBody("the body is empty; a JSON object is expected")
    body = _parse(data)
    if not isinstance(body, dict):
        raise InvalidBody(f"the body is {_KINDS[type(body)]}; a JSON object is expected")
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise _too_deep()
    return body


_KINDS = {list: "an array", str: "a string", int: "a number", float: "a number", bool: "a boolean", type(None): "null"}


def _parse(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except RecursionError:
        raise _too_deep() from None
    except msgspec.ValidationError:
        raise InvalidBody("the body holds a number with too many digits, or too large a one") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # Which of the two it is of bytes that are no UTF-8 hangs on the parser's version.
        raise InvalidBody(f"the body is not {_fault(data, str(error))}") from None


def _fault(data: bytes, text: str) -> str:
    found = _POSITION.match(text)
    if found is None:
        return _fault_without_position(data)
    reason, position = found[1], int(found[2])
    if reason == "trailing characters":
        # The parser has gone one too far there.
        position -= 1
    start = position - 1 if data[position - 1 : position] == b"-" else position
    if special := _NOT_NUMBERS.match(data, start):
        reason = f"{special[0].decode()} is no JSON number"
    elif "surrogate" in reason:
        reason = "a \\u escape is half of a pair"
    return f"JSON: {reason} at {_place(data, position)}"


def _fault_without_position(data: bytes) -> str:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return f"UTF-8 at {_place(data, error.start)}"
    # The parser says "truncated" of an escape that lacks its second half, too.
    return "JSON: a \\u escape is half of a pair" if _SURROGATE.search(data[-8:]) else "JSON: it ends too early"


def _place(data: bytes, position: int) -> str:
    line_start = data.rfind(b"\n", 0, position) + 1
    line = data.count(b"\n", 0, position) + 1
    column = len(data[line_start:position].decode(errors="replace")) + 1
    return f"line {line}, column {column}"


def _too_deep() -> InvalidBody:
    return InvalidBody(f"the body nests objects and arrays more than {MAX_DEPTH} deep")


def _depth(value: Any) -> int:
    """How deep objects and arrays nest; not recursive, since what it measures may be very deep."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            part
            for container in level
            for part in (container.values() if isinstance(container, dict) else container)
            if isinstance(part, dict | list)
        ]
    return depth
