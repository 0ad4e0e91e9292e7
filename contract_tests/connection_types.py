"""The connection types, by what takes place where."""

from __future__ import annotations

CARRIERS = ("twilio", "telnyx", "plivo")

TALKING = (*CARRIERS, "websocket")
"""Those whose audio is on the socket."""

KINDS = (*TALKING, "webrtc")
"""All of them."""
