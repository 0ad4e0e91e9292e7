"""The arguments of `calls dial`, and the call that they ask for."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from calls.arguments import Parser
from contract.audio import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, AudioFormat, Encoding
from contract_tests.caller import spoken
from contract_tests.carrier import CallPlan
from contract_tests.connection_types import CARRIERS, KINDS
from contract_tests.room.line import ROOM_AUDIO, load_library

TOKEN_VARIABLE = "CALLS_CARRIER_TOKEN"
LONGEST_CALL_S = 600.0
DEFAULT_RATE_HZ = 16000

EPILOG = f"""\
URL is the websocketUrl of a created call: any host, no redirects. It is a credential, and never printed. It works
once. The account's token can also come from the environment, as {TOKEN_VARIABLE}; it belongs there.

The caller waits until the agent's first message is over (or 2 s, where it says nothing), presses the digits, types the
text, speaks, hears the answer out each time, and hangs up.

On webrtc the caller joins the room that is offered, wherever it is; that needs the extra livekit.

exit codes: 0 the call took place and nothing was against the contract, 1 the agent broke the contract, 2 the URL could
not be dialled or the room not be joined, or the arguments are wrong.

examples:
  calls dial "$WEBSOCKET_URL" --as twilio
  calls dial "$WEBSOCKET_URL" --as telnyx --alaw --audio question.wav --out answer.wav
  calls dial "$WEBSOCKET_URL" --as websocket --input-rate 16000 --output-rate 24000 --text "hello"
"""


def dial_parser() -> Parser:
    """What can be said on the command line."""
    parser = Parser(
        prog="calls dial",
        usage="calls dial URL --as KIND [OPTION...]",
        description="Places one call on a websocketUrl, at the pace of speech, and tells how the agent did.",
        epilog=EPILOG,
    )
    rates = f"{LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}"
    add = parser.add_argument
    add("url", type=_url, metavar="URL", help="the websocketUrl")
    add("--as", dest="kind", required=True, type=_one_of(KINDS), metavar="KIND", help=f"one of {', '.join(KINDS)}")
    add("--audio", type=Path, metavar="WAV", help=f"what the caller says: PCM, {rates} Hz; default a spoken sentence")
    add("--out", type=Path, metavar="WAV", help="where to write what was heard, as it was played")
    add("--digits", type=_matching(r"[0-9*#A-D]+", "keys of 0-9, *, #, A-D"), metavar="KEYS", help="keys to press")
    add("--text", metavar="TEXT", help="what to type, on websocket and webrtc")
    add("--duration", type=_seconds, default=30.0, metavar="S", help="seconds the call may take; default 30")
    add("--alaw", action="store_true", help="speak A-law (PCMA), on telnyx")
    add("--input-rate", type=_rate, metavar="HZ", help=f"the call's inputSampleRate; default {DEFAULT_RATE_HZ}")
    add("--output-rate", type=_rate, metavar="HZ", help="the call's outputSampleRate; default the input rate")
    add("--codec", type=_one_of(("pcm", "g711")), metavar="CODEC", help="the call's codec: pcm (default) or g711")
    add("--auth-token", metavar="TOKEN", help=f"sign the dial as the carrier's account would [{TOKEN_VARIABLE}]")
    add("--insecure", action="store_true", help="leave the certificate unchecked; SSL_CERT_FILE names one to trust")
    add("--report", type=_one_of(("text", "json")), default="text", metavar="FORMAT", help="text (default) or json")
    return parser


def plan_of(given: Any) -> CallPlan:
    """What was asked for.

    Raises ValueError where it does not fit together, AudioFileError, and NotChecked where a library is not installed.
    """
    kind = given.kind
    for option, value, kinds in (
        ("--digits", given.digits, CARRIERS),
        ("--alaw", given.alaw, ("telnyx",)),
        ("--text", given.text, ("websocket", "webrtc")),
        ("--input-rate", given.input_rate, ("websocket",)),
        ("--output-rate", given.output_rate, ("websocket",)),
        ("--codec", given.codec, ("websocket",)),
        ("--auth-token", given.auth_token, CARRIERS),
    ):
        if value and kind not in kinds:
            raise ValueError(f"{option} is for {', '.join(kinds)}, not for {kind}")
    token = (given.auth_token or os.environ.get(TOKEN_VARIABLE)) if kind in CARRIERS else None
    if token and not re.fullmatch(r"[!-~]+", token):
        raise ValueError(f"--auth-token ({TOKEN_VARIABLE}): what came (not shown) is not printable without spaces")
    if given.out is not None and (given.out.is_dir() or not given.out.parent.is_dir()):
        raise ValueError(f"--out: {given.out} is no file in a folder that exists")
    to_agent = from_agent = AudioFormat(Encoding.MULAW, 8000)
    if kind == "telnyx" and given.alaw:
        to_agent = AudioFormat(Encoding.ALAW, 8000)
    if kind == "websocket":
        encoding = Encoding.MULAW if given.codec == "g711" else Encoding.PCM16
        input_hz = given.input_rate or DEFAULT_RATE_HZ
        to_agent = AudioFormat(encoding, input_hz)
        from_agent = AudioFormat(encoding, given.output_rate or input_hz)
    if kind == "webrtc":
        load_library()
        to_agent = from_agent = ROOM_AUDIO
    return CallPlan(
        kind=kind,
        to_agent=to_agent,
        from_agent=from_agent,
        speech=spoken(to_agent, given.audio),
        digits=given.digits or "",
        text=given.text or "",
        duration_s=given.duration,
        token=token or None,
        insecure=given.insecure,
    )


# argparse shows a value that it refuses, and that may be the URL of somebody who forgot a value: these say what is
# expected instead.


def _matching(pattern: str, expected: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise argparse.ArgumentTypeError(f"expected {expected}")
        return text

    return parse


def _one_of(words: Sequence[str]) -> Callable[[str], str]:
    return _matching("|".join(words), f"one of {', '.join(words)}")


def _rate(text: str) -> int:
    if not re.fullmatch(r"[0-9]{4,5}", text) or not LOWEST_RATE_HZ <= int(text) <= HIGHEST_RATE_HZ:
        raise argparse.ArgumentTypeError(f"expected a whole number from {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}")
    return int(text)


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) <= LONGEST_CALL_S:
            return float(text)
    raise argparse.ArgumentTypeError(f"expected seconds above 0, at most {LONGEST_CALL_S:g}")


def _url(text: str) -> str:
    with suppress(ValueError):
        parts = urlsplit(text)
        if parts.scheme in ("ws", "wss") and parts.hostname and parts.port != 0 and re.fullmatch(r"\S+", text):
            return text
    raise argparse.ArgumentTypeError("expected a ws:// or wss:// URL (what came is not shown)")
