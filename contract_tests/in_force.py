"""The HTTP half of the contract that a target is held to: the shipped document, and what overlays make of it.

Who asks says with which overlays (`TargetSettings.overlays`): there is no other place that they are kept in.
"""

from __future__ import annotations

import functools

from contract.overlays import HttpContract, http_contract

Overlays = tuple[str, ...]
"""Names or paths of overlays, in the order in which they are applied."""

SCHEMAS = {"create": "CreateCallRequest", "inline": "CreateInlineCallRequest"}


@functools.cache
def in_force(overlays: Overlays = ()) -> HttpContract:
    """The contract with these overlays, which is read once in a process.  Raises DocumentError."""
    return http_contract(overlays)


def connection_types(operation: str, overlays: Overlays = ()) -> tuple[str, ...]:
    """The connection types that an operation offers."""
    schema = in_force(overlays).document["components"]["schemas"][SCHEMAS[operation]]
    return tuple(schema["properties"]["connectionType"]["enum"])
