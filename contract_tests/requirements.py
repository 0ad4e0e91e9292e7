"""The list of everything that is asked, in the order of the contract: each check is registered with its sentence."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract_tests import checks

# Checks are in variants of these, and take them from here.
from contract_tests.connection_types import CARRIERS as CARRIERS
from contract_tests.connection_types import TALKING as TALKING
from contract_tests.findings import Layer, Level, Requirement

if TYPE_CHECKING:
    from contract_tests.context import Context

CheckFunction = Callable[["Context"], Awaitable[None]]

SECTIONS = (
    "authentication",
    "create",
    "inline",
    "bodies",
    "websocket",
    "tools",
    "defaults",
    "answers",
    "errors",
    "rate-limit",
    "methods",
    "websocket-url",
    "media",
    "transcripts",
    "client-tools",
    "webrtc",
    "survival",
    "fuzz",
)
"""The sections in the order in which reports show them."""

OPERATIONS = ("create", "inline")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One requirement and how it is checked.

    Attributes:
        requirement: the sentence.
        run: the check; raises what `context.py` names, returns where nothing is wrong.
        variants: the operations or connection types that it is checked for, one after the other.
        smoke: whether the shortest profile has it.
        order: `first` alone, before all others; `last` after all others, over what they saw; else side by side.
        ahead: what a `last` one says of what was seen so far, so that nobody waits for what is plain.  It asks for
            nothing, and says only what will be found at the end as well, whose word is the last one.
        lasts_s: about how long it takes on a target that is right, in seconds; of calls that others share, the longest.
        waits_s: how long it waits for the target's clocks beside that, in seconds at time scale 1.
        soon: whether what is wrong shows in the first seconds: such checks begin before those that last.  Not for what
            takes a service down that does not expect it: nothing else would be seen of that.
        again: whether a violation must show twice, because it is a matter of time and this machine may have been slow.
    """

    requirement: Requirement
    run: CheckFunction
    variants: tuple[str, ...] = ("",)
    smoke: bool = False
    order: str = "any"
    ahead: CheckFunction | None = None
    lasts_s: float = 0.0
    waits_s: float = 0.0
    soon: bool = False
    again: bool = False

    @property
    def calls(self) -> bool:
        """Whether it places calls."""
        return self.lasts_s > 0 or self.requirement.layer is Layer.MEDIA

    def takes_s(self, time_scale: float) -> float:
        """About how long it takes where the target's clocks are so many times as fast, in seconds."""
        return self.lasts_s + self.waits_s / time_scale

    @property
    def plain(self) -> bool:
        """Whether it may report how a plain request is answered: not what comes of dialling, nor of odd ones."""
        return not self.calls and self.requirement.section not in ("websocket-url", "fuzz")


_CHECKS: dict[str, Check] = {}


def requirement(
    name: str,
    sentence: str,
    *,
    source: str,
    how: str,
    why: str,
    mend: str,
    level: Level = Level.MUST,
    layer: Layer = Layer.HTTP,
    variants: tuple[str, ...] = ("",),
    smoke: bool = False,
    order: str = "any",
    ahead: CheckFunction | None = None,
    lasts_s: float = 0.0,
    waits_s: float = 0.0,
    soon: bool = False,
    again: bool = False,
) -> Callable[[CheckFunction], CheckFunction]:
    """Register a check; the arguments are the attributes of Requirement and Check."""

    def register(function: CheckFunction) -> CheckFunction:
        register_check(
            Check(
                requirement=Requirement(
                    name=name, sentence=sentence, source=source, level=level, layer=layer, how=how, why=why, mend=mend
                ),
                run=function,
                variants=variants,
                smoke=smoke,
                order=order,
                ahead=ahead,
                lasts_s=lasts_s,
                waits_s=waits_s,
                soon=soon,
                again=again,
            )
        )
        return function

    return register


def register_check(check: Check) -> None:
    """Add a check.  Raises ValueError for a name that is taken or belongs to no section."""
    name = check.requirement.name
    if name in _CHECKS or check.requirement.section not in SECTIONS:
        raise ValueError(f"{name}: taken, or not in a section of {', '.join(SECTIONS)}")
    _CHECKS[name] = check


def all_checks() -> tuple[Check, ...]:
    """Every check, section by section."""
    for name in checks.FILES:
        importlib.import_module(f"{checks.__name__}.{name}")
    return tuple(sorted(_CHECKS.values(), key=lambda check: SECTIONS.index(check.requirement.section)))
