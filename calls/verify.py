"""`calls verify`: holds an implementation to the contract, over HTTP and on the sockets, and reports what it found."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from calls.verify_arguments import parser_of_verify

if TYPE_CHECKING:
    from contract_tests.baseline import Baseline
    from contract_tests.engine import Job, Selection
    from contract_tests.findings import Finding, Run
    from contract_tests.settings import TargetSettings

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 and the signal's number."""


def main(argv: Sequence[str]) -> int:
    """Judge a target.  Returns the exit code that `calls verify --help` lists."""
    parser = parser_of_verify()
    given = parser.parse_args(_url_first(argv))
    # Imported late, so that --help and a mistyped option do not wait for what only a run needs.
    from contract.errors import DocumentError
    from contract_tests import baseline as baselines
    from contract_tests import reports
    from contract_tests.caller import AudioFileError
    from contract_tests.requirements import all_checks
    from contract_tests.run import INTERRUPTED as PROBLEM
    from contract_tests.run import SettingsError
    from mockserver.origins import is_local_host

    try:
        settings = _settings(given, os.environ)
        selection = _selection(given, settings)
        for asked in given.reports:
            reports.destination(asked, os.environ)
        baseline = baselines.read(given.baseline) if given.baseline is not None else None
    except (SettingsError, AudioFileError, DocumentError, baselines.BaselineError, reports.ReportError) as error:
        parser.error(str(error))
    jobs = selection.jobs(all_checks())
    if not jobs:
        parser.error("no requirement is selected: --profile, --layer, --only, --skip and --shard leave none")
    if not is_local_host(urlsplit(settings.url).hostname or "") and not _allowed(settings, jobs, given.yes):
        return 2
    try:
        run = _judged(settings, selection, jobs, given, baseline)
        _report(run, given.reports)
    except reports.ReportError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    return INTERRUPTED if PROBLEM in run.problems else run.exit_code


# what is asked for


def _url_first(argv: Sequence[str]) -> list[str]:
    """The arguments with the URL before the options: one that takes several values would swallow it."""
    words = list(argv)
    for index, word in enumerate(words):
        if re.match("https?://", word, re.IGNORECASE):
            return [word, *words[:index], *words[index + 1 :]]
    return words


def _settings(given: argparse.Namespace, environ: Mapping[str, str]) -> TargetSettings:
    from contract_tests.caller import read_turn
    from contract_tests.run import Keys, SettingsError, base_url
    from contract_tests.settings import MAX_TIME_S, Profile, TargetSettings

    keys = Keys.of(given.api_keys or (), given.unfunded_key, given.limited_key, environ)
    if not keys.working:
        raise SettingsError("there is no key: give --api-key KEY, or set CALLS_API_KEYS")
    if given.caller_audio is not None:
        read_turn(given.caller_audio)
    overlays = tuple(given.overlays)
    if overlays:
        from contract_tests.conformity import must_be_openapi

        must_be_openapi(overlays)
    profile = Profile(given.profile)
    return TargetSettings(
        url=base_url(given.url),
        api_keys=keys.working,
        agent=given.agent,
        unfunded_key=keys.unfunded,
        limited_key=keys.limited,
        unknown_agent=given.unknown_agent,
        voice=given.voice,
        language=given.language,
        model=given.model,
        profile=profile,
        max_time_s=given.max_time_s if given.max_time_s is not None else MAX_TIME_S[profile],
        seed=given.seed if given.seed is not None else secrets.randbelow(2**31),
        time_scale=given.time_scale,
        url_ttl_s=given.url_ttl_s,
        insecure=given.insecure,
        allowed_ws_hosts=tuple(given.allowed_ws_hosts),
        ws_url_rewrites=tuple(given.ws_url_rewrites),
        caller_audio=given.caller_audio,
        max_parallel_calls=given.max_parallel_calls,
        overlays=overlays,
    )


def _selection(given: argparse.Namespace, settings: TargetSettings) -> Selection:
    from contract_tests.engine import Selection
    from contract_tests.findings import Layer
    from contract_tests.requirements import all_checks
    from contract_tests.run import chosen, known_words

    words = known_words(all_checks())
    layers = {layer.value: layer for layer in Layer}
    return Selection(
        profile=settings.profile,
        layers=frozenset(layers[name] for name in chosen("--layer", given.layers, list(layers))) or frozenset(Layer),
        only=chosen("--only", given.only, words),
        skip=chosen("--skip", given.skip, words),
        shard=given.shard,
    )


# before it starts

CALLS_PER_CHECK = 0.4
"""On a target that does everything right: the default profile creates 156 calls of the mock for 389 checks."""


def _allowed(settings: TargetSettings, jobs: list[Job], yes: bool) -> bool:
    """Whether calls may be created on a machine that is not this one: --yes, or a person says so."""
    from contract_tests.settings import REQUESTS_PER_KEY

    host = urlsplit(settings.url).hostname
    most = REQUESTS_PER_KEY[settings.profile] * len(settings.api_keys)
    about = max(1, round(len(jobs) * CALLS_PER_CHECK))
    print(
        f"{host}: about {about:,} calls will be created there, at most {most:,}; they may be billed.", file=sys.stderr
    )
    if yes:
        return True
    if sys.stdin.isatty():
        print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    print("calls verify: give --yes if that is what you want", file=sys.stderr)
    return False


def _budget(settings: TargetSettings, jobs: list[Job]) -> str:
    from contract_tests.settings import REQUESTS_PER_KEY

    overlays = "".join(f"; overlay {name}" for name in settings.overlays)
    requirements = len({job.check.requirement.name for job in jobs})
    return (
        f"{settings.url}: {requirements} requirements, {len(jobs)} checks; profile {settings.profile.value}: at most "
        f"{settings.max_time_s:g} s and {REQUESTS_PER_KEY[settings.profile]:,} requests a key; "
        f"seed {settings.seed}{overlays}"
    )


# while it runs


def _judged(
    settings: TargetSettings,
    selection: Selection,
    jobs: list[Job],
    given: argparse.Namespace,
    baseline: Baseline | None,
) -> Run:
    from contract_tests.run import command_line, judge

    print(_budget(settings, jobs), file=sys.stderr, flush=True)
    more = ("--baseline", str(given.baseline)) if given.baseline is not None else ()
    with _progress(len(jobs)) as on_finding:
        return asyncio.run(
            judge(
                settings,
                selection,
                today=datetime.date.today(),
                wait_s=given.wait_s,
                baseline=baseline,
                command=command_line(settings, selection, *more),
                on_finding=on_finding,
            )
        )


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Finding], None]]:
    """Shows findings as they come, on standard error: what is wrong as a line each, the rest as a count."""
    from contract_tests.findings import Verdict

    wrong = (Verdict.VIOLATED, Verdict.WARNED)
    if not sys.stderr.isatty():

        def print_wrong(finding: Finding) -> None:
            if finding.verdict in wrong:
                print(_line(finding), file=sys.stderr, flush=True)

        yield print_wrong
        return

    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.text import Text

    from contract_tests.reports.console import STYLES

    columns = (
        SpinnerColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} checked, {task.fields[violated]} violated"),
        TimeElapsedColumn(),
    )
    violated = 0
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total, violated=0)

        def show(finding: Finding) -> None:
            nonlocal violated
            violated += finding.verdict is Verdict.VIOLATED
            progress.update(task, advance=1, violated=violated)
            if finding.verdict in wrong:
                progress.console.print(Text(_line(finding), STYLES[finding.verdict]))

        yield show


def _line(finding: Finding) -> str:
    return f"{finding.verdict.value} {finding.name}: {finding.requirement.sentence}"


def _report(run: Run, asked: list[str]) -> None:
    from contract_tests import reports

    on_stdout = [report for report in asked if reports.destination(report, os.environ).path is None]
    if not on_stdout and sys.stdout.isatty():
        from rich.console import Console

        from contract_tests.reports import console

        console.show(run, Console())
    elif not on_stdout:
        reports.write(run, "text", stdout=sys.stdout, environ=os.environ)
    for report in asked:
        path = reports.write(run, report, stdout=sys.stdout, environ=os.environ)
        if path is not None:
            print(f"{report.partition('=')[0]} report: {path}", file=sys.stderr)
