"""The checks: a file or a folder for each section of the contract, a function for each sentence of it.

None of them imports another: what several look at is in `exchanges.py`, `dials.py` and `scenarios.py`.
"""

FILES = (
    "authentication",
    "fields",
    "bodies",
    "audio_settings",
    "tools",
    "defaults",
    "answers",
    "one_connection",
    "over_the_run",
    "errors",
    "rate_limit",
    "methods",
    "websocket_url.handshake",
    "websocket_url.refusals",
    "websocket_url.secrecy",
    "media.turns",
    "media.messages",
    "media.encodings",
    "media.pacing",
    "media.interruption",
    "media.ending",
    "media.inactivity",
    "transcripts",
    "client_tools",
    "webrtc",
    "webrtc_room",
    "webrtc_messages",
    "survival",
    "hostile_peers",
    "fuzz",
)
"""Every file with checks, in the order of the contract: reports show its sentences in the order of these files."""
