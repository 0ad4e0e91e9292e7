"""An agent that follows a script: a YAML file with steps, one after the other.

The steps, each a mapping with one key (see docs/scripts.md for an example of each):

    say: TEXT, or {text: TEXT, interruptible: BOOL}
    wait: {seconds: NUMBER}
    expect: {speech: true | text: true | digits: COUNT | mark: NAME, until: KEY, within_s: NUMBER, otherwise: [STEPS]}
    call_tool: {name: NAME, parameters: {...}, within_s: NUMBER}
    transcript: {text: TEXT, role: agent | user}
    mark: NAME
    hang_up: REASON

In a text, `{greeting}` stands for the call's greeting.  After its last step the script listens, and says no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs

from contract.documents import line_of, place_of, read_mapping
from contract.errors import DocumentError
from mockserver.agents import (
    MOST_KEYS,
    Act,
    Began,
    CallTool,
    DigitHeard,
    EndCall,
    Happening,
    MarkPassed,
    Said,
    Say,
    SendMark,
    SendTranscript,
    TextRead,
    ToolAnswered,
    TurnHeard,
    Woke,
)
from mockserver.store import CallSettings

Step = dict[str, Any]

SECONDS = {"type": "number", "exclusiveMinimum": 0, "maximum": 7200}
TEXT = {"type": "string", "minLength": 1, "maxLength": 10_000}


def _mapping(required: Sequence[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


STEP_SCHEMAS: dict[str, dict[str, Any]] = {
    "say": {
        "if": {"type": "string"},
        "then": TEXT,
        "else": _mapping(["text"], text=TEXT, interruptible={"type": "boolean"}),
    },
    "wait": _mapping(["seconds"], seconds=SECONDS),
    "expect": {
        **_mapping(
            [],
            speech={"const": True},
            text={"const": True},
            digits={"type": "integer", "minimum": 1, "maximum": MOST_KEYS},
            mark=TEXT,
            until={"type": "string", "pattern": "^[0-9*#A-D]$"},
            within_s=SECONDS,
            otherwise={"type": "array"},
        ),
        "dependencies": {"until": ["digits"], "otherwise": ["within_s"]},
    },
    "call_tool": _mapping(["name"], name=TEXT, parameters={"type": "object"}, within_s=SECONDS),
    "transcript": _mapping(["text"], text=TEXT, role={"enum": ["agent", "user"]}),
    "mark": TEXT,
    "hang_up": TEXT,
}
"""What each step may hold, as JSON Schema."""

EXPECTED = ("speech", "text", "digits", "mark")
"""What a script can wait for; one of them has to be there."""

DEFAULT_TOOL_WAIT_S = 20.0
"""How long a script waits for a tool that does not say `within_s`, in seconds."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script that was read and found right."""

    steps: tuple[Step, ...]

    @classmethod
    def read(cls, path: Path) -> Script:
        """The script in a file.  Raises DocumentError, naming file, line, what came and what was expected."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DocumentError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
        content = read_mapping(text, str(path))
        unknown = sorted(set(content) - {"steps"})
        if unknown or not isinstance(content.get("steps"), list) or not content["steps"]:
            line = line_of(text, unknown[:1] or ["steps"])
            raise DocumentError(f"{path}:{line}: expected one key, steps, with a list of at least one step")
        for place, fault in _faults(content["steps"], ("steps",)):
            raise DocumentError(f"{path}:{line_of(text, place)}: {place_of(place)}: {fault}")
        return cls(tuple(content["steps"]))


def _faults(steps: Sequence[Any], place: tuple[str | int, ...]) -> Iterable[tuple[tuple[str | int, ...], str]]:
    """What is wrong with a list of steps: where, and what."""
    for index, step in enumerate(steps):
        here = (*place, index)
        if not isinstance(step, dict) or len(step) != 1 or next(iter(step)) not in STEP_SCHEMAS:
            found = ", ".join(map(str, step)) if isinstance(step, dict) else repr(step)[:40]
            yield here, f"expected a step with one key of {', '.join(STEP_SCHEMAS)}; found {found or 'nothing'}"
            continue
        kind, value = next(iter(step.items()))
        error = next(iter(jsonschema_rs.Draft7Validator(STEP_SCHEMAS[kind]).iter_errors(value)), None)
        if error is not None:
            yield (*here, kind, *error.instance_path), error.message
        elif kind == "expect" and not value.keys() & set(EXPECTED):
            yield (*here, kind), f"expected at least one of {', '.join(EXPECTED)}"
        elif kind == "expect":
            yield from _faults(value.get("otherwise", ()), (*here, kind, "otherwise"))


class Scripted:
    """Follows a script in one call.

    Args:
        script: the steps.
        settings: the call's; the script begins when the agent may speak.
    """

    echoes = False
    talks = True

    def __init__(self, script: Script, settings: CallSettings) -> None:
        self.wake_at: float | None = None
        self._settings = settings
        self._steps = list(reversed(script.steps))
        self._awaiting: Step | None = None
        self._running = False
        self._digits = ""

    def react(self, happening: Happening, now: float) -> Iterable[Act]:
        """Go on, if this is what the script waits for."""
        if isinstance(happening, DigitHeard):
            self._digits = (self._digits + happening.digit)[-MOST_KEYS:]
        if not self._running:
            began = isinstance(happening, Began) and self._settings.first_speaker == "agent"
            if not began and not isinstance(happening, TurnHeard | TextRead):
                return []
            self._running = True
            return self._go_on(now)
        if self._awaiting is None:
            return []
        kind, value = next(iter(self._awaiting.items()))
        if isinstance(happening, Woke):
            self._steps.extend(reversed(value.get("otherwise", [])) if kind == "expect" else [])
        elif not self._is_met(kind, value, happening):
            return []
        self._awaiting, self.wake_at = None, None
        return self._go_on(now)

    def _is_met(self, kind: str, value: Any, happening: Happening) -> bool:
        """Whether this is what the current step waits for."""
        match kind, happening:
            case "say", Said():
                return True
            case "call_tool", ToolAnswered(name):
                return bool(name == value["name"])
            case "expect", TurnHeard():
                return "speech" in value
            case "expect", TextRead():
                return "text" in value
            case "expect", MarkPassed(name):
                return bool(name == value.get("mark"))
            case "expect", DigitHeard():
                return self._has_digits(value)
        return False

    def _has_digits(self, value: Step) -> bool:
        """Whether the keys that an `expect` wants are there, pressed now or before; they are used up then."""
        if "digits" not in value:
            return False
        ended = "until" in value and value["until"] in self._digits
        if len(self._digits) < value["digits"] and not ended:
            return False
        self._digits = ""
        return True

    def _go_on(self, now: float) -> list[Act]:
        """Take the steps up to the next one that has to wait."""
        acts: list[Act] = []
        while self._steps and self._awaiting is None:
            step = self._steps.pop()
            acts += self._take(step, now)
        return acts

    def _take(self, step: Step, now: float) -> list[Act]:
        kind, value = next(iter(step.items()))
        match kind:
            case "say":
                self._awaiting = step
                said: dict[str, Any] = {"text": value} if isinstance(value, str) else value
                text = said["text"].replace("{greeting}", self._settings.greeting)
                return [Say(text, interruptible=said.get("interruptible", True))]
            case "wait":
                self._awaiting, self.wake_at = step, now + value["seconds"]
            case "expect":
                if not self._has_digits(value):
                    self._awaiting = step
                    self.wake_at = now + value["within_s"] if "within_s" in value else None
            case "call_tool":
                self._awaiting = step
                return [
                    CallTool(value["name"], value.get("parameters", {}), value.get("within_s", DEFAULT_TOOL_WAIT_S))
                ]
            case "transcript":
                return [SendTranscript(value.get("role", "agent"), value["text"])]
            case "mark":
                return [SendMark(value)]
            case "hang_up":
                self._steps.clear()
                return [EndCall(value)]
        return []
