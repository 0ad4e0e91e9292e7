"""Sends requests that nobody thought of, and makes the first that is answered wrongly as small as it can be."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

from contract_tests.context import Context, audio_settings
from contract_tests.deciding import due
from contract_tests.odd_bodies import name_of
from contract_tests.settings import Profile
from contract_tests.shrinking import shrunk
from contract_tests.target import Exchange, Meant, OutOfRequests

BODIES = {Profile.SMOKE: 4, Profile.DEFAULT: 26, Profile.DEEP: 400}
"""How many requests of each kind are made, of which the budget may leave out some."""
LEFT_OVER = 50
"""Requests that are not spent on making a failing one smaller."""
SHRINKS = 60
"""The most requests that are."""


async def fuzz(it: Context, operation: str, *, valid: bool, websocket: bool, most: int) -> None:
    """Send so many requests of one kind until one is answered wrongly; the smallest one like it is written down."""
    plain = it.valid(operation) | (audio_settings("websocket") if websocket else {})
    bodies = await it.recording("fuzzing", lambda: _bodies(it))
    for wanted, body in bodies[name_of(operation, websocket, valid)][:most]:
        if _is_right(wanted, await _sent(it, operation, body)):
            continue
        found = await _smallest(it, operation, body, plain, wanted)
        if found is not None:
            expected = f"{wanted or 'an answer below 500'}: a plain request {_difference(found, plain)}"
            it.wrong(expected, it.target.shown(found), found, f"# seed {it.settings.seed}")
            return


async def _bodies(it: Context) -> Any:
    """All that is sent in a run, by the names of `odd_bodies`."""
    operations = ("create", "inline") if it.settings.agent is not None else ("inline",)
    known = {operation: it.valid(operation) for operation in operations}
    most = BODIES[it.settings.profile]
    asked = {"known": known, "audio": audio_settings("websocket"), "seed": it.settings.seed, "most": most}
    # What decides about smaller ones takes long to load, and calls are in progress.
    loading = asyncio.to_thread(importlib.import_module, "contract_tests.conformity")
    bodies, _ = await asyncio.gather(made_elsewhere(asked | {"overlays": it.settings.overlays}), loading)
    return bodies


async def made_elsewhere(asked: Mapping[str, Any]) -> Any:
    """What `odd_bodies.made` gives for these arguments."""
    # Else hypothesis would leave a folder where the judge was started.
    with tempfile.TemporaryDirectory() as home:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore", "-m", "contract_tests.odd_bodies"),
            env=os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": home},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            given, said = await process.communicate(json.dumps(asked).encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode:
        raise RuntimeError(f"no requests could be made: {said.decode(errors='replace')[-300:]}")
    return json.loads(given)


async def _sent(it: Context, operation: str, body: Any) -> Exchange:
    return await it.post(operation, content=json.dumps(body).encode(), meant=Meant.FREE)


def _is_right(wanted: int | None, exchange: Exchange) -> bool:
    status = exchange.status
    return status is not None and (status == wanted if wanted else status < 500)


def _difference(exchange: Exchange, plain: dict[str, Any]) -> str:
    """What makes a request more than a plain one, in words."""
    body = json.loads(exchange.content)
    others = {key: value for key, value in body.items() if key not in plain or plain[key] != value}
    missing = [key for key in plain if key not in body]
    words = [f"with {json.dumps(others)[:300]}"] if others else []
    return " and ".join([*words, *(f"without {key}" for key in missing)])


async def _smallest(
    it: Context, operation: str, body: Any, plain: dict[str, Any], wanted: int | None
) -> Exchange | None:
    """The answer to the smallest request that is answered as wrongly; None where not even this one is once more."""
    failed: list[Exchange] = []
    tries = itertools.count()
    known = it.valid(operation)

    async def fails(smaller: Any) -> bool:
        if (
            due(known, operation, smaller, it.settings.overlays) != wanted
            or it.target.left() < LEFT_OVER
            or next(tries) > SHRINKS
        ):
            return False
        try:
            exchange = await _sent(it, operation, smaller)
        except OutOfRequests:
            return False
        right = _is_right(wanted, exchange)
        if not right:
            failed.append(exchange)
        return not right

    if await fails(body):
        await shrunk(body, plain, fails)
    return failed[-1] if failed else None
