"""The HTTP half of the contract that a target is held to: the shipped document, and what overlays make of it.

Who asks says with which overlays (`TargetSettings.overlays`): there is no other place that they are kept in.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from contract.documents import Document
from contract.overlays import HttpContract, http_contract

Overlays = tuple[str, ...]
"""Names or paths of overlays, in the order in which they are applied."""

SCHEMAS = {"create": "CreateCallRequest", "inline": "CreateInlineCallRequest"}


@functools.cache
def in_force(overlays: Overlays = ()) -> HttpContract:
    """The contract with these overlays, which is read once.  Raises DocumentError."""
    return http_contract(overlays)


def schemas(overlays: Overlays = ()) -> Document:
    """The document's schemas, by their names."""
    found: Document = in_force(overlays).document["components"]["schemas"]
    return found


def connection_types(operation: str, overlays: Overlays = ()) -> tuple[str, ...]:
    """The connection types that an operation offers."""
    field: Mapping[str, Any] = schemas(overlays)[SCHEMAS[operation]]["properties"]["connectionType"]
    return tuple(field["enum"])
