"""What is asked of an implementation, and what came of asking: requirements, verdicts, findings.  No I/O, no clock."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


class Level(enum.Enum):
    """How binding a requirement is (RFC 2119): breaking a MUST fails the run, breaking a SHOULD warns."""

    MUST = "MUST"
    SHOULD = "SHOULD"


class Layer(enum.Enum):
    """Which half of the contract a requirement belongs to."""

    HTTP = "http"
    MEDIA = "media"


class Verdict(enum.Enum):
    """What came of checking one requirement."""

    PASSED = "passed"
    VIOLATED = "violated"
    WARNED = "warned"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """One sentence of the contract that can be seen to be kept or broken from outside.

    Attributes:
        name: `section.what`, stable and never reused.
        sentence: what must hold.
        source: where the contract says it, `file#/json/pointer`.
        level: MUST or SHOULD.
        layer: http or media.
        how: how it is tested, in words.
        why: why it matters to whoever relies on the API.
        mend: what usually causes the fault, and how to mend it.
    """

    name: str
    sentence: str
    source: str
    level: Level = Level.MUST
    layer: Layer = Layer.HTTP
    how: str
    why: str
    mend: str

    @property
    def section(self) -> str:
        """The part of the contract that it belongs to."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that was seen to be wrong.

    Attributes:
        expected: what the contract asks for.
        received: what came.
        reproduce: commands or messages that show it again, a line each; secrets stand there as names of variables.
    """

    expected: str
    received: str
    reproduce: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What came of checking one requirement in one variant (an operation, a connection type).

    Attributes:
        requirement: what was asked.
        variant: in which variant, such as `create` or `twilio`; empty where there is only one.
        verdict: what came of it.
        cases: what was wrong, the simplest first; empty unless violated or warned.
        cause: what most likely causes it; empty unless violated or warned.
        reason: why it was not checked, with the option that would enable it; empty otherwise.
        took_s: how long it took, in seconds.
        known: why it is expected to fail, where a baseline says so.
    """

    requirement: Requirement
    variant: str = ""
    verdict: Verdict
    cases: tuple[Case, ...] = ()
    cause: str = ""
    reason: str = ""
    took_s: float = 0.0
    known: str = ""

    @property
    def name(self) -> str:
        """Requirement and variant: `websocket-url.single-use[twilio]`."""
        return f"{self.requirement.name}[{self.variant}]" if self.variant else self.requirement.name


@dataclass(frozen=True)
class AppliedOverlay:
    """An OpenAPI Overlay that changed the contract which a target was held to.

    Attributes:
        name: a shipped one's, or its path.
        actions: how many it has.
    """

    name: str
    actions: int

    def __str__(self) -> str:
        """Both."""
        return f"{self.name} ({self.actions} action{'' if self.actions == 1 else 's'})"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the judge, finished.

    Attributes:
        target: the base URL that was judged, without any secret.
        profile: smoke, default or deep.
        seed: what random choices were made from.
        command: how to run it again; secrets are names of variables.
        version: the judge's version.
        started_at: when it began, RFC 3339 in UTC.
        took_s: how long it took, in seconds.
        requests: how many HTTP requests were made.
        calls: how many calls were created.
        dials: how many WebSockets were dialled.
        findings: what came of it, in the order of the contract.
        problems: why the run as a whole says nothing, or nothing about a layer that was asked for (exit code 2).
        baseline: entries of the baseline that are expired or no longer fail, in words (exit code 1).
        notes: what else the reader should know, such as that this machine was too slow.
        overlays: what changed the contract that it was held to, in this order; none where it was the plain one.
    """

    target: str
    profile: str
    seed: int
    command: str
    version: str
    started_at: str
    took_s: float
    requests: int
    calls: int
    dials: int
    findings: tuple[Finding, ...] = ()
    problems: tuple[str, ...] = ()
    baseline: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    overlays: tuple[AppliedOverlay, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 conforms, 1 violated, 2 could not run; nothing checked is never 0."""
        if any(finding.verdict is Verdict.VIOLATED and not finding.known for finding in self.findings):
            return 1
        if self.problems or not any(finding.verdict is not Verdict.NOT_CHECKED for finding in self.findings):
            return 2
        return 1 if self.baseline else 0


def nothing_checked(layer: Layer) -> str:
    """How the problem of a run begins that could check nothing of a layer; the reason follows.

    Merging takes it back where another shard has checked something there.
    """
    return f"nothing of the layer {layer.value} could be checked"


def count(findings: Sequence[Finding]) -> Counter[Verdict]:
    """How many findings there are of each verdict."""
    return Counter(finding.verdict for finding in findings)
