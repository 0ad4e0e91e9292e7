"""A run with every verdict, whose target answers what would do harm in a report that believes it."""

from __future__ import annotations

from dataclasses import replace

from contract_tests.findings import Case, Finding, Layer, Level, Requirement, Run, Verdict, nothing_checked

HOSTILE = (
    "<script>alert(1)</script>",
    "</code></pre><img src=x onerror=alert(1)>",
    "<![CDATA[ ]]> --> <!-- ]]>",
    "\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \x9b2J \x00 \x7f \x08",
    "::error file=a.py,line=1::forged",
    "\n::stop-commands::abc\n   ::add-mask::x\n##[group]x ##vso[task.complete]",
    "```\n````` <b>out of the fence</b>\n~~~",
    "[link](javascript:alert(1)) ![image](http://evil.example/x.png) **bold** | cell | `code` @someone",
    "[red]rich markup[/red] [link=http://evil.example]x[/link] :boom:",
    "right to left \u202eneddih\u202c, unseen \u200b\ufeff\U000e0041, line separator \u2028",
    "lone \ud800 and \udfff, not a character \ufffe, beyond the BMP \U0001f4de \U00020000",
    "\r\nx: y\r\n",
    "' onmouseover='alert(1)' \" onfocus=\"alert(1)\" &amp; &#60;",
    "{target} {0} %s %0A",
    "</style></title></textarea><style>* { display: none }</style><meta http-equiv=refresh content=0;http://evil.example/>",
    "x" * 50_000,
)
"""What a target may send; no report may be broken by it, or act on it."""


def requirement(name: str, **changes: object) -> Requirement:
    """A requirement of this name, with something in every field."""
    plain = Requirement(
        name=name,
        sentence="A request without a required field is refused with 400.",
        source="openapi/calls.yaml#/paths/~1calls~1create/post/responses/400",
        how="Each required field is left out once, and the answer's status and code are looked at.",
        why="Clients show the code to their users; without it they can only say that something went wrong.",
        mend="The body is validated after it was used. Validate it first.",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # tests name the fields


def finding(name: str, verdict: Verdict = Verdict.PASSED, variant: str = "", **changes: object) -> Finding:
    """A finding on a requirement of this name, with a case where something is wrong and a reason where it must."""
    wrong = verdict in (Verdict.VIOLATED, Verdict.WARNED)
    plain = Finding(
        requirement=requirement(name),
        variant=variant,
        verdict=verdict,
        cases=(CASE,) if wrong else (),
        cause="The body is read before it is validated." if wrong else "",
        reason="needs --public-url" if verdict is Verdict.NOT_CHECKED else "",
        took_s=0.125,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # tests name the fields


def run(*findings: Finding, **changes: object) -> Run:
    """A run with these findings."""
    plain = Run(
        target="https://voice.example/api/v1",
        profile="default",
        seed=4711,
        command="calls verify https://voice.example/api/v1 --api-key $CALLS_API_KEY --seed 4711",
        version="0.1.0",
        started_at="2026-11-23T09:30:00Z",
        took_s=41.5,
        requests=1234,
        calls=56,
        dials=48,
        findings=findings,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # tests name the fields


CASE = Case(
    expected='400 with {"error": {"code": "VALIDATION_ERROR"}}',
    received='500 with\n{"error": "internal"}',
    reproduce=(
        "curl -s https://voice.example/api/v1/calls/inline -H \"X-API-Key: $CALLS_API_KEY\" -d '{}'",
        "# the answer's status is 500",
    ),
)


def hostile_run() -> Run:
    """Every verdict, known and not, with hostile text in every field that a target can reach."""
    cases = tuple(Case(expected="a JSON object", received=text, reproduce=(text, "echo $?")) for text in HOSTILE)
    everything = " ".join(HOSTILE[:-1])
    media = requirement(
        "websocket-url.single-use",
        sentence="A websocketUrl works once.",
        source="asyncapi/twilio.yaml#/components/messages",
        layer=Layer.MEDIA,
    )
    should = requirement("errors.request-id", sentence="An error has a request id.", level=Level.SHOULD)
    return run(
        finding("create.required-fields", Verdict.VIOLATED, "create", cases=cases, cause=everything),
        finding("create.required-fields", Verdict.VIOLATED, "inline"),
        finding("create.status", variant="create"),
        finding("create.status", variant="inline"),
        finding("errors.shape", Verdict.VIOLATED, known=f"mended in release 4.2 {everything}"),
        finding("errors.request-id", Verdict.WARNED, requirement=should, cases=cases[:2], cause=everything),
        finding("errors.media-type"),
        finding("websocket-url.single-use", Verdict.NOT_CHECKED, "twilio", requirement=media),
        finding("websocket-url.single-use", Verdict.NOT_CHECKED, "plivo", requirement=media, reason=everything),
        finding("websocket-url.single-use", Verdict.NOT_CHECKED, "telnyx", requirement=media),
        problems=(f"{nothing_checked(Layer.MEDIA)}, mostly because: {everything}",),
        baseline=(f"known.yaml:3: {everything}",),
        notes=(f"this machine was too slow: {everything}",),
    )
