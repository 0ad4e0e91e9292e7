"""One run of the judge from end to end: waits for the target, sees whether it is an API at all, checks, and sums up."""

from __future__ import annotations

import asyncio
import datetime
import difflib
import importlib.metadata
import os
import re
import shlex
import ssl
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from contract_tests import baseline as baselines
from contract_tests import engine
from contract_tests.context import Context
from contract_tests.engine import Job, Selection
from contract_tests.findings import AppliedOverlay, Finding, Layer, Run, Verdict, nothing_checked
from contract_tests.in_force import in_force
from contract_tests.judge import Judge
from contract_tests.requirements import SECTIONS, Check, CheckFunction, all_checks
from contract_tests.secrets_kept import Secrets
from contract_tests.settings import MAX_TIME_S, TargetSettings
from contract_tests.target import KEY_VARIABLE, PATHS, Exchange, Meant, NotChecked

if TYPE_CHECKING:
    from contract_tests.baseline import Baseline

INTERRUPTED = "interrupted before everything was checked"
"""The problem of a run that was cancelled."""

SLOW_S = 1.0
"""A machine that was held up for longer is worth a note."""

_KEY = re.compile("[!-~]+")
_URL_CHARACTERS = re.compile(r"[!-\[\]-~]+")

_POLL_S = 0.25
_NOT_YET = (502, 503, 504)
_REFUSED = (401, 403)


async def judge(
    settings: TargetSettings,
    selection: Selection,
    *,
    today: datetime.date,
    wait_s: float = 0.0,
    baseline: Baseline | None = None,
    command: str = "",
    on_finding: Callable[[Finding], None] = lambda finding: None,
) -> Run:
    """Judge a target.

    A run that is cancelled returns what it found so far, with the problem INTERRUPTED; the rest is not checked.

    Args:
        settings: the target and what may be done with it.
        selection: what to check.
        today: the day that a baseline's entries are held against.
        wait_s: how long the target may take to answer at all, in seconds.
        baseline: the violations that are known.
        command: how to run it again; made from settings and selection where none is given.
        on_finding: told of each finding as soon as it is there, before the baseline is applied.

    Raises DocumentError for overlays that cannot be read or applied.
    """
    overlays = in_force(settings.overlays).overlays
    checks = all_checks()
    jobs = selection.jobs(checks)
    started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    began_at = time.monotonic()
    found: dict[str, Finding] = {}
    problems: list[str] = []
    notes: list[str] = []

    def note_finding(finding: Finding) -> None:
        found[finding.name] = finding
        on_finding(finding)

    it: Judge | None = None
    interrupted = False
    try:
        if wait_s > 0:
            await _wait(settings, wait_s)
        it = Judge(settings)
        if jobs:
            problem, notes = await _preflight(it)
            problems += [problem] if problem else []
        else:
            problems.append("no requirement is selected")
        if not problems:
            bugs: dict[str, str] = {}
            for finding in await engine.run(it, [_guarded(job, bugs) for job in jobs], note_finding):
                found[finding.name] = finding
            problems += bugs.values()
    except asyncio.CancelledError:
        interrupted = True
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        problems.append(INTERRUPTED)
    finally:
        if it is not None:
            await it.close()
    if interrupted:
        for job in jobs:
            found.setdefault(job.name, _not_checked(job, "the run was interrupted"))
    findings = tuple(found[job.name] for job in jobs if job.name in found)
    if not interrupted:
        problems += _silent_layers(findings)
    journal = it.target.journal if it is not None else None
    longest_lag_s = max((lag for _, lag in it.lags), default=0.0) if it is not None else 0.0
    if longest_lag_s > SLOW_S:
        notes.append(f"this machine was held up for {longest_lag_s:.1f} s: matters of time were judged with care")
    run = Run(
        target=settings.url,
        profile=settings.profile.value,
        seed=settings.seed,
        command=command or command_line(settings, selection),
        version=importlib.metadata.version("calls-contract"),
        started_at=started_at,
        took_s=time.monotonic() - began_at,
        requests=len(journal.exchanges) if journal else 0,
        calls=journal.calls if journal else 0,
        dials=journal.dials if journal else 0,
        findings=findings,
        problems=tuple(problems),
        notes=tuple(notes),
        overlays=tuple(AppliedOverlay(each.name, len(each.actions)) for each in overlays),
    )
    if baseline is None or not findings:
        return run
    return baselines.apply(run, _relevant(baseline, checks, jobs), today)


class SettingsError(ValueError):
    """A target, a key or a selection cannot be what was given; the text says what was expected, and shows no key."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys to a target.

    Attributes:
        working: keys that work, each once.
        unfunded: a key without balance.
        limited: a key over its rate limit.
    """

    working: tuple[str, ...] = ()
    unfunded: str | None = None
    limited: str | None = None

    @classmethod
    def of(cls, working: Iterable[str], unfunded: str | None, limited: str | None, environ: Mapping[str, str]) -> Keys:
        """What was given, or else what the environment has.  Raises SettingsError for what cannot be in a header."""
        listed = [key.strip() for key in environ.get("CALLS_API_KEYS", "").split(",")]
        keys = cls(
            working=tuple(dict.fromkeys(filter(None, tuple(working) or listed))),
            unfunded=unfunded or environ.get("CALLS_UNFUNDED_KEY") or None,
            limited=limited or environ.get("CALLS_LIMITED_KEY") or None,
        )
        if not all(_KEY.fullmatch(key) for key in (*keys.working, keys.unfunded or "-", keys.limited or "-")):
            raise SettingsError("a key (not shown) has a space, or a character that is not in ASCII")
        return keys


def base_url(text: str) -> str:
    """The URL of a target, without a slash at the end.  Raises SettingsError."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not _URL_CHARACTERS.fullmatch(text):
        raise SettingsError("URL: expected http:// or https://, a host, perhaps a port and a path")
    if "@" in parts.netloc or "?" in text or "#" in text:
        raise SettingsError("URL: it must have no user, query or fragment; keys have options of their own")
    return text.rstrip("/")


def chosen(option: str, lists: Iterable[str], words: Sequence[str]) -> tuple[str, ...]:
    """The words of comma separated lists, each once.  Raises SettingsError for one that is not among `words`."""
    asked = [word.strip() for text in lists for word in text.split(",") if word.strip()]
    for word in asked:
        if word not in words:
            raise SettingsError(f"{option}: there is no {word!r}{near(word, words)}")
    return tuple(dict.fromkeys(asked))


def near(word: str, words: Iterable[str]) -> str:
    """What may have been meant by a word that is not among `words`, to go at the end of a sentence."""
    found = difflib.get_close_matches(word, list(words), n=4, cutoff=0.5)
    return f"; did you mean {', '.join(found)}?" if found else "; `calls list` shows all"


def known_words(checks: Iterable[Check]) -> list[str]:
    """Everything that a selection may name: sections, requirements, and requirements in one variant."""
    words = list(SECTIONS)
    for check in checks:
        words.append(check.requirement.name)
        words += [Job(check, variant).name for variant in check.variants if variant]
    return words


def command_line(settings: TargetSettings, selection: Selection, *more: str) -> str:
    """The command that does the same run again; secrets stand there as names of variables."""
    secrets = Secrets()
    keys = [KEY_VARIABLE if index == 0 else f"{KEY_VARIABLE}_{index + 1}" for index in range(len(settings.api_keys))]
    for key, variable in zip(settings.api_keys, keys, strict=True):
        secrets.add(key, variable)
    secrets.add(settings.unfunded_key, "$CALLS_UNFUNDED_KEY")
    secrets.add(settings.limited_key, "$CALLS_LIMITED_KEY")
    words = ["calls", "verify", settings.url]
    for option, value in _given(settings, selection):
        words += [option] if value is True else [option, str(value)]
    quoted = secrets.redact(" ".join(shlex.quote(word) for word in [*words, *more]))
    variables = " ".join(["--api-key", *keys]) if keys else ""
    if settings.unfunded_key:
        variables += " --unfunded-key $CALLS_UNFUNDED_KEY"
    if settings.limited_key:
        variables += " --limited-key $CALLS_LIMITED_KEY"
    return f"{quoted} {variables}".strip()


def _given(settings: TargetSettings, selection: Selection) -> Iterable[tuple[str, object]]:
    plain = TargetSettings(url="", api_keys=())
    for option, name in (
        ("--agent", "agent"),
        ("--unknown-agent", "unknown_agent"),
        ("--voice", "voice"),
        ("--language", "language"),
        ("--model", "model"),
        ("--url-ttl", "url_ttl_s"),
        ("--time-scale", "time_scale"),
        ("--caller-audio", "caller_audio"),
        ("--max-parallel-calls", "max_parallel_calls"),
    ):
        value = getattr(settings, name)
        if value != getattr(plain, name):
            yield option, f"{value:g}" if isinstance(value, float) else value
    if settings.profile is not plain.profile:
        yield "--profile", settings.profile.value
    if settings.max_time_s != MAX_TIME_S[settings.profile]:
        yield "--max-time", f"{settings.max_time_s:g}"
    if settings.insecure:
        yield "--insecure", True
    yield from (("--overlay", name) for name in settings.overlays)
    yield from (("--allow-ws-host", host) for host in settings.allowed_ws_hosts)
    yield from (("--ws-url-rewrite", f"{begins}={instead}") for begins, instead in settings.ws_url_rewrites)
    if selection.layers != frozenset(Layer):
        yield "--layer", ",".join(sorted(layer.value for layer in selection.layers))
    if selection.only:
        yield "--only", ",".join(selection.only)
    if selection.skip:
        yield "--skip", ",".join(selection.skip)
    if selection.shard != (1, 1):
        yield "--shard", "{}/{}".format(*selection.shard)
    yield "--seed", settings.seed


async def _wait(settings: TargetSettings, wait_s: float) -> None:
    """Return as soon as the target answers anything but a gateway's "not yet", or when the time is over."""
    deadline = time.monotonic() + wait_s
    # Without a key, so that nothing is created or counted; by a client of its own, so that the journal stays clean.
    async with httpx.AsyncClient(verify=not settings.insecure, trust_env=False, timeout=5.0) as client:
        while time.monotonic() < deadline:
            try:
                async with asyncio.timeout(max(0.05, deadline - time.monotonic())):
                    async with client.stream("GET", settings.url + PATHS["inline"]) as answer:
                        if answer.status_code not in _NOT_YET:
                            return
            except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ssl.SSLError):
                pass
            await asyncio.sleep(min(_POLL_S, max(0.0, deadline - time.monotonic())))


async def _preflight(it: Judge) -> tuple[str, list[str]]:
    """What makes it useless to go on, empty if nothing does, and what else is worth a note.

    Only what says that there is no such API at all: everything else is judged.
    """
    operations = ("inline", "create") if it.settings.agent is not None else ("inline",)
    answers = await asyncio.gather(*(_ask(it, operation, it.settings.api_keys[0]) for operation in operations))
    if all(answer.status is None for answer in answers):
        failure = it.secrets.redact(answers[0].failure)
        return f"{it.settings.url} does not answer: {failure} (--wait SECONDS waits for it to start)", []
    if all(answer.status in _REFUSED for answer in answers):
        others = [await _ask(it, operation, key) for key in it.settings.api_keys[1:] for operation in operations]
        if all(answer.status in _REFUSED for answer in others):
            statuses = " and ".join(
                str(status) for status in sorted({answer.status or 0 for answer in answers + others})
            )
            return f"no key works: every valid request is answered with {statuses} (--api-key, CALLS_API_KEYS)", []
    if all(_is_page(answer) for answer in answers):
        status = answers[0].status
        return (
            f"this looks like a web page or a proxy, not the API: valid requests are answered with HTML ({status})",
            [],
        )
    if all(answer.status == 404 for answer in answers):
        return "", [f"valid requests are answered with 404: is {it.settings.url} the base of /calls/inline?"]
    return "", []


async def _ask(it: Judge, operation: str, key: str) -> Exchange:
    context = Context(it, operation)
    body = context.valid()
    answer = await context.post(operation, body, key=key, meant=Meant.VALID, limit_matters=True)
    if answer.status is None:
        answer = await context.post(operation, body, key=key, meant=Meant.VALID, limit_matters=True)
    return answer


def _is_page(answer: Exchange) -> bool:
    return answer.body.lstrip().startswith(b"<") or (answer.media_type == "text/html" and answer.json() is None)


def _guarded(job: Job, bugs: dict[str, str]) -> Job:
    """The job, with what its check trips over made a problem of the run instead of its end."""

    def guarded(function: CheckFunction) -> CheckFunction:
        async def run(context: Context) -> None:
            try:
                await function(context)
            except (NotChecked, TimeoutError):
                raise
            except Exception as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                where = f"{os.path.basename(place.filename)}:{place.lineno}"
                what = context.judge.secrets.redact(f"{type(error).__name__}: {error}")[:300]
                bugs.setdefault(f"{job.name} {where}", f"{job.name}: the judge itself failed, in {where}: {what}")
                raise NotChecked(f"the judge itself failed, in {where}: {what}") from error

        return run

    check = job.check
    return Job(replace(check, run=guarded(check.run), ahead=check.ahead and guarded(check.ahead)), job.variant)


def _silent_layers(findings: Sequence[Finding]) -> list[str]:
    """A sentence for each layer of which nothing could be checked."""
    problems = []
    for layer in Layer:
        of_layer = [finding for finding in findings if finding.requirement.layer is layer]
        if of_layer and all(finding.verdict is Verdict.NOT_CHECKED for finding in of_layer):
            reason, _ = Counter(finding.reason for finding in of_layer).most_common(1)[0]
            problems.append(f"{nothing_checked(layer)}, mostly because: {reason}")
    return problems


def _relevant(baseline: Baseline, checks: Iterable[Check], jobs: Iterable[Job]) -> Baseline:
    """The baseline without what exists and was not asked for in this run: nothing is known of it."""
    every = {Job(check, variant).name for check in checks for variant in check.variants}
    left_out = every - {job.name for job in jobs}
    return replace(baseline, entries=tuple(entry for entry in baseline.entries if entry.finding not in left_out))


def _not_checked(job: Job, reason: str) -> Finding:
    return Finding(requirement=job.check.requirement, variant=job.variant, verdict=Verdict.NOT_CHECKED, reason=reason)
