"""The field websocket: what it must hold for which connection type."""

from __future__ import annotations

import json
from typing import Any

from contract_tests.context import Context
from contract_tests.exchanges import respelled, with_ignored_rates
from contract_tests.legal_requests import RATES, Changes, Part, fullest, legal
from contract_tests.requirements import OPERATIONS, requirement
from contract_tests.sources import AUDIO_SETTINGS

WHY = "Audio at a rate that nobody agreed on is noise, or plays too fast or too slowly."


def _asked(it: Context, websocket: Any) -> dict[str, Any]:
    return it.valid(connectionType="websocket") | {"websocket": websocket}


@requirement(
    "websocket.rates-required",
    "With connectionType websocket, both sample rates are required.",
    source=AUDIO_SETTINGS,
    how="Requests without websocket, and without each rate, are sent to both operations; to inline also without "
    "both, and with values of websocket that are no object.",
    why=WHY,
    mend="Where connectionType is websocket, refuse a body without both rates with 400.",
    variants=OPERATIONS,
    smoke=True,
)
async def rates_required(it: Context) -> None:
    """Without the object, without each rate."""
    await it.refused(it.variant, it.valid(connectionType="websocket"), "websocket is missing")
    await it.refused(it.variant, _asked(it, {"inputSampleRate": 16000}), "outputSampleRate is missing")
    await it.refused(it.variant, _asked(it, {"outputSampleRate": 16000}), "inputSampleRate is missing")
    if it.variant == "create" and not it.deep:
        return
    await it.refused(it.variant, _asked(it, {}), "both rates are missing")
    for wrong in [[], None, *(["x", 5, True] if it.deep else [])]:
        await it.refused(it.variant, _asked(it, wrong), f"websocket is {json.dumps(wrong)}, no object")


@requirement(
    "websocket.rates-elsewhere",
    "For every other connection type the rates are not required, and ignored.",
    source=AUDIO_SETTINGS,
    how="Calls of every other type, and of none, are asked for with an empty websocket, one rate, both, only a codec.",
    why="A client that keeps its audio settings while it changes the carrier must not be refused.",
    mend="Look at websocket only where connectionType is websocket.",
    variants=OPERATIONS,
)
async def rates_elsewhere(it: Context) -> None:
    """Each carrier, and the default."""
    if (await respelled(it, it.variant))[0].status != 201:
        body = it.valid(websocket={"codec": "g711"})
        await it.accepted(it.variant, body, "the default connection type without rates")
    for kind, exchange in (await with_ignored_rates(it, it.variant)).items():
        if exchange.status != 201:
            rates = json.loads(exchange.content)["websocket"]
            it.wrong(f"201: {kind} ignores websocket, {json.dumps(rates)}", it.target.shown(exchange), exchange)


async def _legal(it: Context, each: dict[str, dict[str, Any]]) -> None:
    """What a request with every field holds, and what the other legal ones do; each alone where one is refused."""
    bodies: dict[str, Changes | bytes] = {what: _asked(it, RATES | some) for what, some in each.items()}
    if (await fullest(it, it.variant)).status == 201:
        await legal(it, it.variant, Part.AUDIO, bodies)
        return
    for what, body in bodies.items():
        await it.accepted(it.variant, body, what)


async def _rate(it: Context, field: str) -> None:
    await _legal(it, {f"{field} {legal}": {field: legal} for legal in (8000, 48000, 11025, 22050)})
    # Each kind of wrongness on each operation, and each for each field, but not each for both on both.
    halves: tuple[list[Any], list[Any]] = ([7999, "16000", True], [48001, 16000.5, None])
    some = halves[(field == "inputSampleRate") != (it.variant == "create")]
    every = [*halves[0], *halves[1]]
    for wrong in [*every, 0, -16000, [16000], 10**9] if it.deep else every if it.takes_all else some:
        await it.refused(it.variant, _asked(it, RATES | {field: wrong}), f"{field} is {json.dumps(wrong)}")


@requirement(
    "websocket.input-rate",
    "inputSampleRate is an integer from 8000 to 48000.",
    source=f"{AUDIO_SETTINGS}/properties/inputSampleRate",
    how="Both bounds and rates between them must be accepted; one step outside, other types and fractions refused.",
    why=WHY,
    mend="Check type and bounds of the rate; convert nothing.",
    variants=OPERATIONS,
)
async def input_rate(it: Context) -> None:
    """Bounds and types."""
    await _rate(it, "inputSampleRate")


@requirement(
    "websocket.output-rate",
    "outputSampleRate is an integer from 8000 to 48000.",
    source=f"{AUDIO_SETTINGS}/properties/outputSampleRate",
    how="Both bounds and rates between them must be accepted; one step outside, other types and fractions refused.",
    why=WHY,
    mend="Check type and bounds of the rate; convert nothing.",
    variants=OPERATIONS,
)
async def output_rate(it: Context) -> None:
    """Bounds and types."""
    await _rate(it, "outputSampleRate")


@requirement(
    "websocket.codec",
    "codec is pcm or g711.",
    source=f"{AUDIO_SETTINGS}/properties/codec",
    how="Both must be accepted; other words, letter cases, types and null refused.",
    why=WHY,
    mend="Compare with the two words exactly.",
    variants=OPERATIONS,
)
async def codec(it: Context) -> None:
    """The two words, and others."""
    await _legal(it, {f"codec {legal}": {"codec": legal} for legal in ("pcm", "g711")})
    often: list[Any] = ["PCM", "", *([5, None] if it.takes_all else [5] if it.variant == "create" else [None])]
    for wrong in ["PCM", "opus", "", None, 5, "G711", "pcm16", True, ["pcm"]] if it.deep else often:
        await it.refused(it.variant, _asked(it, RATES | {"codec": wrong}), f"codec is {json.dumps(wrong)}")


@requirement(
    "websocket.buffering",
    "enableAudioBuffering is a boolean.",
    source=f"{AUDIO_SETTINGS}/properties/enableAudioBuffering",
    how="true and false must be accepted; texts, numbers and null refused.",
    why=WHY,
    mend="Take a JSON boolean and nothing else.",
    variants=OPERATIONS,
)
async def buffering(it: Context) -> None:
    """Booleans only."""
    switches = ("enableAudioBuffering", "twilioStream")
    await _legal(it, {f"{name} {json.dumps(on)}": {name: on} for name in switches for on in (True, False)})
    some: list[Any] = ["true", 1, None] if it.variant == "create" else ["true", 0]
    often = ["true", 1, 0, None] if it.takes_all else some
    for wrong in [*often, "", [True]] if it.deep else often:
        body = _asked(it, RATES | {"enableAudioBuffering": wrong})
        await it.refused(it.variant, body, f"enableAudioBuffering is {json.dumps(wrong)}")
