from __future__ import annotations

import re

from mockserver import errors, staging
from mockserver.errors import ApiError

LINE = re.compile(r"^( *(?:\|    )*)\+-- (\w+)(?: +(\d{3})  (\w+))?", re.MULTILINE)

Row = tuple[str, str, int | None, str | None]


def drawn() -> list[Row]:
    """Each class of the tree at the head of errors.py: its name, its parent's, status and code."""
    rows: list[Row] = []
    trail: list[tuple[int, str]] = []
    for branch, name, status, code in LINE.findall(errors.__doc__ or ""):
        while trail and trail[-1][0] >= len(branch):
            trail.pop()
        rows.append((name, trail[-1][1] if trail else "Exception", int(status) if status else None, code or None))
        trail.append((len(branch), name))
    return rows


def defined(kind: type[ApiError] = ApiError) -> list[Row]:
    """Each class that there is, likewise; a base and a staged error have what they are given."""
    given = kind in (ApiError, staging.StagedError)
    rows: list[Row] = [
        (kind.__name__, kind.__mro__[1].__name__, None if given else kind.status, None if given else kind.code)
    ]
    for heir in kind.__subclasses__():
        if heir.__module__.startswith("mockserver."):
            rows += defined(heir)
    return rows


def test_the_tree_of_errors_has_every_error_in_its_place() -> None:
    assert sorted(drawn(), key=str) == sorted(defined(), key=str)
