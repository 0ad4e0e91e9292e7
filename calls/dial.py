"""`calls dial`: places one call as a carrier or a client would, and tells how it went."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
import wave
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from calls.dial_arguments import TOKEN_VARIABLE, dial_parser, plan_of
from contract.events import RoomOffered
from contract_tests.call_summary import CallSummary, as_text
from contract_tests.caller import AudioFileError
from contract_tests.carrier import CallPlan, dialled_address, place_call
from contract_tests.connection_types import CARRIERS
from contract_tests.dialling import Refusal
from contract_tests.line import Line
from contract_tests.measuring import transcripts_of
from contract_tests.reports.inert import disarmed, in_a_line, json_text
from contract_tests.secrets_kept import Secrets
from contract_tests.target import NotChecked, url_texts

SHORTEST_SECRET = 12
"""A part of the URL of fewer characters is a word like `media`, and no token."""


def main(argv: Sequence[str]) -> int:
    """Place the call.  Returns 0, 1 where the agent broke the contract, 2 for what could not be dialled or asked."""
    parser = dial_parser()
    given = parser.parse_args(argv)
    secrets = _secrets(given)
    try:
        plan = plan_of(given)
    except (AudioFileError, ValueError, NotChecked) as error:
        parser.error(in_a_line(secrets.redact(str(error))))
    if given.kind in CARRIERS and urlsplit(given.url).query:
        print(f"{parser.prog}: dialled without the URL's query, as carriers do", file=sys.stderr)
    live = sys.stderr.isatty()

    def on_progress(line: Line) -> None:
        for heard in line.events(RoomOffered):
            secrets.add(getattr(heard.event, "token", None), "[room token]")
        if live:
            _show_live(line, secrets)

    try:
        outcome = asyncio.run(_call(given.url, plan, on_progress))
    except KeyboardInterrupt:
        return 130
    finally:
        if live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    if isinstance(outcome, Refusal):
        print(f"{parser.prog}: refused: {_refused(outcome, secrets)}", file=sys.stderr)
        return 2
    if given.out is not None:
        try:
            _write_wav(given.out, outcome)
        except OSError as error:
            print(f"{parser.prog}: --out: {secrets.redact(in_a_line(str(error)))}", file=sys.stderr)
            return 2
    if given.report == "json":
        print(json_text(_redacted(outcome.as_json(), secrets)), end="")
    else:
        text = disarmed(secrets.redact("\n".join(as_text(outcome))))
        encoding = sys.stdout.encoding or "utf-8"
        print(text.encode(encoding, "backslashreplace").decode(encoding))
    return outcome.exit_code


async def _call(url: str, plan: CallPlan, on_progress: Callable[[Line], None]) -> CallSummary | Refusal:
    """The call; the first Ctrl-C hangs up."""
    hang_up = asyncio.Event()
    loop = asyncio.get_running_loop()
    added = False
    with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
        loop.add_signal_handler(signal.SIGINT, hang_up.set)
        added = True
    try:
        return await place_call(url, plan, on_progress=on_progress, hang_up=hang_up)
    finally:
        if added:
            loop.remove_signal_handler(signal.SIGINT)


def _secrets(given: Any) -> Secrets:
    parts = urlsplit(given.url)
    secrets = Secrets()
    secrets.add(given.url, "URL")
    secrets.add(dialled_address(given.url, given.kind), "URL")
    for part in (*url_texts({"websocketUrl": given.url}), parts.password or "", parts.path, parts.query):
        if len(part) >= SHORTEST_SECRET:
            secrets.add(part, "[token]")
    secrets.add(given.auth_token or os.environ.get(TOKEN_VARIABLE), f"${TOKEN_VARIABLE}")
    return secrets


def _redacted(value: Any, secrets: Secrets) -> Any:
    if isinstance(value, str):
        return secrets.redact(value)
    if isinstance(value, dict):
        return {secrets.redact(str(key)): _redacted(item, secrets) for key, item in value.items()}
    return [_redacted(item, secrets) for item in value] if isinstance(value, list | tuple) else value


def _refused(refusal: Refusal, secrets: Secrets) -> str:
    # Redacted before it is cut: the beginning of a token would not be known for one.
    said = secrets.redact(refusal.body).strip()
    body = f": {in_a_line(said[:200])}" if said else ""
    advice = ""
    if refusal.status in (401, 403, 404, 409, 410):
        advice = " (a URL works once, and not for long)"
    elif "CERTIFICATE_VERIFY_FAILED" in refusal.reason:
        advice = " (SSL_CERT_FILE names an authority to trust, --insecure trusts all)"
    return f"{in_a_line(secrets.redact(refusal.reason))}{advice}{body}"


def _show_live(line: Line, secrets: Secrets) -> None:
    """How far the call is, and what was said last, in one line of the terminal."""
    heard_s = sum(piece.plays_until_s - piece.plays_from_s for piece in line.audio)
    faults = sum(heard.fault is not None for heard in line.heard)
    text = (
        f"{time.monotonic() - line.opened_at:5.1f} s  said {line.sent_s:.1f} s  heard {heard_s:.1f} s  "
        f"messages {len(line.heard)}  faults {faults}"
    )
    if said := transcripts_of(line):
        role, words = said[-1]
        text += f"  {role}: "
        left = max(1, shutil.get_terminal_size().columns - 1 - len(text))
        # The newest words are at the end.
        text += disarmed(in_a_line(secrets.redact(words)))[-left:]
    print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)


def _write_wav(path: Path, call: CallSummary) -> None:
    with path.open("wb") as file, wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(call.rate_hz)
        out.writeframes(call.pcm)
