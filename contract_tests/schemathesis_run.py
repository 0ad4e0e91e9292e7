"""Runs schemathesis with its own phases, generators and checks, which also makes what it finds small.

In a process of its own: what it computes must not hold up the calls of other checks, and it can be ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from contract.documents import overlay_path
from contract_tests.context import Context
from contract_tests.deciding import narrowed
from contract_tests.target import Exchange, Meant, NotChecked

CONFIG = """\
hooks = "contract_tests.schemathesis_hooks"
[auth.openapi.apiKey]
api_key = "${CALLS_API_KEY}"
"""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "answered_as_is_due",
)
"""Those of its checks that ask what the contract asks.

Not among them: those of methods and keys, of which the contract leaves something free, and which have checks of their
own; and those of resources that are created and deleted, of which it knows none.
"""
PHASES = ("examples", "coverage", "fuzzing", "stateful")
SHARE = 1 / 20
"""How much of the time that is left it makes requests for."""
SLACK_S = 30.0
"""How much longer than asked for it may take to make something small."""


async def run_schemathesis(it: Context, operation: str, *, valid: bool, websocket: bool) -> None:
    """Have it look at one operation; what it finds is written down.

    Args:
        it: the check.
        operation: `create` or `inline`.
        valid: whether it is to send what the document allows, or what it forbids.
        websocket: whether each request asks for a custom client.

    Raises:
        NotChecked: it sent nothing of the kind, as on a target whose answers do not end, or where time was short.
    """
    known, settings = it.valid(operation), it.settings
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        document = narrowed(known, operation, websocket=websocket, overlays=settings.overlays)
        place.joinpath("calls.json").write_text(json.dumps(document), encoding="utf-8")
        place.joinpath("schemathesis.toml").write_text(CONFIG, encoding="utf-8")
        given = {
            "operation": operation,
            "known": known,
            "exchanges": str(place / "exchanges.jsonl"),
            "request_timeout_s": settings.request_timeout_s,
            # It works in a folder of its own.
            "overlays": [str(overlay_path(name)) for name in settings.overlays],
        }
        place.joinpath("given.json").write_text(json.dumps(given), encoding="utf-8")
        place.joinpath("exchanges.jsonl").touch()
        command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"]
        command += ["calls.json", "--url", settings.url, "--mode", "positive" if valid else "negative"]
        command += ["--checks", ",".join(CHECKS), "--phases", ",".join(PHASES)]
        command += ["--request-timeout", f"{settings.request_timeout_s:g}", "--rate-limit", "auto"]
        command += ["--seed", str(settings.seed), "--generation-database", "none", "--no-color"]
        if settings.insecure:
            command += ["--tls-verify", "false"]
        async with it.judge.alone:
            within_s = max(1, int(it.judge.left_s() * SHARE))
            command += ["--max-time", str(within_s)]
            key = it.target.key()
            said = await _ended(command, folder, key, within_s + SLACK_S)
        lines = place.joinpath("exchanges.jsonl").read_text("utf-8").splitlines()
    exchanges = [json.loads(line) for line in lines]
    unpaid = [each for each in exchanges if each.get("status") == 402 and each["key"] == key]
    if unpaid and await it.target.is_spent(key):
        for each in unpaid:
            each.pop("wrong", None)
    _take(it, operation, exchanges)
    if not any(each["due"] == (201 if valid else 400) for each in exchanges):
        kind = "valid" if valid else "invalid"
        raise NotChecked(f"schemathesis sent nothing {kind} in {within_s} s: {it.judge.secrets.redact(said)[-300:]}")


async def _ended(command: list[str], folder: str, key: str, within_s: float) -> str:
    """Run a command in a folder until it ends or its time is up; what it said."""
    given = {"CALLS_API_KEY": key, "CALLS_FUZZING": str(Path(folder, "given.json"))}
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=os.environ | given,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(within_s):
            said, _ = await process.communicate()
            return said.decode("utf-8", "replace")
    except TimeoutError:
        return "it did not end in time"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _take(it: Context, operation: str, lines: list[dict[str, Any]]) -> None:
    """Put the exchanges into the journal, and write down the smallest one with each fault."""
    smallest: dict[str, tuple[Exchange, str]] = {}
    for line in lines:
        exchange = _exchange(operation, line)
        title, message = line.get("wrong", ("", ""))
        if not title or exchange.status is None:
            it.target.add(exchange)
        if title and (title not in smallest or len(exchange.content) <= len(smallest[title][0].content)):
            smallest[title] = exchange, message
    for title, (exchange, message) in smallest.items():
        expected = {Meant.VALID: "201", Meant.INVALID: "400"}.get(exchange.meant, "an answer below 500")
        said = message.splitlines()[:1]
        received = f"{': '.join([title, *said])}; {it.target.shown(exchange)}"
        it.wrong(f"{expected}, as the document describes it", received, exchange, f"# seed {it.settings.seed}")


def _exchange(operation: str, line: dict[str, Any]) -> Exchange:
    meant = {201: Meant.VALID, 400: Meant.INVALID, None: Meant.FREE}[line["due"]]
    return Exchange(
        method=line["method"],
        path=line["path"],
        operation=operation,
        headers=tuple((name, value) for name, value in line["headers"]),
        content=line["content"].encode("latin-1"),
        key=line["key"],
        meant=meant,
        status=line.get("status"),
        answer_headers=tuple((name.lower(), value) for name, value in line.get("answer_headers", ())),
        body=line.get("answer", "").encode("latin-1"),
        failure="" if "status" in line else "the connection failed",
        answered_at=line["at"],
        took_s=line.get("took_s", 0.0),
    )
