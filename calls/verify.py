"""`calls verify`: holds an implementation to the contract, over HTTP and on the sockets, and reports what it found."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import ipaddress
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from calls.arguments import Parser

if TYPE_CHECKING:
    from contract_tests.baseline import Baseline
    from contract_tests.engine import Job, Selection
    from contract_tests.findings import Finding, Run
    from contract_tests.settings import TargetSettings

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 and the signal's number."""

EPILOG = """\
Keys belong in the environment: CALLS_API_KEYS (comma separated), CALLS_UNFUNDED_KEY, CALLS_LIMITED_KEY. An option
wins over its variable. --only and --skip take sections, requirements and findings, as `calls list` shows them.

exit codes:
  0  conforms in all that was checked      1  violates the contract, or the baseline is out of date
  2  could not run, or nothing of a layer could be checked      130  interrupted

examples:
  calls verify http://127.0.0.1:8080/api/v1 --agent agent_demo --api-key ck_mock_valid
  calls verify https://staging.example/api/v1 --agent A --yes --profile smoke
  calls verify http://127.0.0.1:8080/api/v1 --wait 30 --report junit --report html=report.html
  calls verify http://127.0.0.1:8080/api/v1 --only websocket-url,create.required-fields
"""


def main(argv: Sequence[str]) -> int:
    """Judge a target.  Returns the exit code that `calls verify --help` lists."""
    parser = _parser()
    given = parser.parse_args(_url_first(argv))
    # Imported late, so that --help and a mistyped option do not wait for what only a run needs.
    from contract_tests import baseline as baselines
    from contract_tests import reports
    from contract_tests.caller import AudioFileError
    from contract_tests.requirements import all_checks
    from contract_tests.run import INTERRUPTED as PROBLEM
    from contract_tests.run import SettingsError

    try:
        settings = _settings(given, os.environ)
        selection = _selection(given, settings)
        for asked in given.reports:
            reports.destination(asked, os.environ)
        baseline = baselines.read(given.baseline) if given.baseline is not None else None
    except (SettingsError, AudioFileError, baselines.BaselineError, reports.ReportError) as error:
        parser.error(str(error))
    jobs = selection.jobs(all_checks())
    if not jobs:
        parser.error("no requirement is selected: --profile, --layer, --only, --skip and --shard leave none")
    if not _is_loopback(settings.url) and not _allowed(settings, jobs, given.yes):
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
    from contract_tests.caller import read_wav
    from contract_tests.run import Keys, SettingsError, base_url
    from contract_tests.settings import MAX_TIME_S, Profile, TargetSettings

    keys = Keys.of(given.api_keys or (), given.unfunded_key, given.limited_key, environ)
    if not keys.working:
        raise SettingsError("there is no key: give --api-key KEY, or set CALLS_API_KEYS")
    if given.caller_audio is not None:
        read_wav(given.caller_audio)
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

CALLS_PER_CHECK = 0.45
"""On a target that does everything right."""


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


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

    requirements = len({job.check.requirement.name for job in jobs})
    return (
        f"{settings.url}: {requirements} requirements, {len(jobs)} checks; profile {settings.profile.value}: at most "
        f"{settings.max_time_s:g} s and {REQUESTS_PER_KEY[settings.profile]:,} requests a key; seed {settings.seed}"
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


# the options


def _number(expected: str, least: float, most: float, *, above: bool = False) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not least <= number <= most or (above and number == least):
            raise argparse.ArgumentTypeError(f"{text[:60]!r} is not {expected}")
        return number

    return parse


def _whole(expected: str, least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch("[0-9]{1,19}", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text[:60]!r} is not {expected}")
        return int(text)

    return parse


def _shard(text: str) -> tuple[int, int]:
    found = re.fullmatch("([0-9]{1,4})/([0-9]{1,4})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not I/N, such as 1/3, with I from 1 to N")
    return int(found[1]), int(found[2])


def _rewrite(text: str) -> tuple[str, str]:
    begins, separator, instead = text.partition("=")
    if not separator or not begins or not re.match("wss?://", instead):
        raise argparse.ArgumentTypeError(
            "expected A=B: what a websocketUrl begins with, and the ws:// or wss:// to dial"
        )
    return begins, instead


_SECONDS = "a number of seconds above 0, at most 86400 (a day)"


def _parser() -> Parser:
    parser = Parser(
        prog="calls verify",
        usage="calls verify URL --api-key KEY... --agent ID [OPTION...]",
        description=(
            "Holds an implementation to the contract: creates calls over HTTP, dials the URLs that come back, and\n"
            "reports what breaks which sentence of the contract, and how to see it again."
        ),
        epilog=EPILOG,
    )
    parser.add_argument("url", metavar="URL", help="the base of /calls/create and /calls/inline")
    _add_target(parser)
    _add_scope(parser)
    _add_limits(parser)
    _add_dialling(parser)
    group = parser.add_argument_group("reports")
    group.add_argument("--baseline", type=Path, metavar="FILE", help="YAML with the violations that are known")
    group.add_argument(
        "--report",
        dest="reports",
        action="append",
        default=[],
        metavar="FORMAT[=PATH]",
        help="a further report: text, json, junit, html, sarif or github; may be repeated",
    )
    return parser


def _add_target(parser: Parser) -> None:
    group = parser.add_argument_group("the target")
    group.add_argument(
        "--api-key",
        dest="api_keys",
        action="extend",
        nargs="+",
        metavar="KEY",
        help="keys that work; more of them allow more requests [CALLS_API_KEYS]",
    )
    group.add_argument("--agent", metavar="ID", help="an agent that exists; without it /calls/create is hardly checked")
    group.add_argument("--unfunded-key", metavar="KEY", help="a key without balance (402) [CALLS_UNFUNDED_KEY]")
    group.add_argument("--limited-key", metavar="KEY", help="a key over its rate limit (429) [CALLS_LIMITED_KEY]")
    group.add_argument("--unknown-agent", metavar="ID", help="an id that no agent has; default a made up one")
    group.add_argument("--voice", default="Mark", help="a voice that exists; default Mark")
    group.add_argument("--language", default="en", help="a language that exists; default en")
    group.add_argument("--model", help="a model that exists")
    group.add_argument(
        "--time-scale",
        type=_number("a number above 0, at most 1000", 0, 1000, above=True),
        default=1.0,
        metavar="FACTOR",
        help="how much faster the target runs maxDuration and inactivityTimeout; default 1",
    )
    group.add_argument(
        "--url-ttl",
        dest="url_ttl_s",
        type=_number(_SECONDS, 0, 86400, above=True),
        metavar="SECONDS",
        help="how long the target lets a websocketUrl be dialled",
    )


def _add_scope(parser: Parser) -> None:
    group = parser.add_argument_group("what is checked")
    group.add_argument(
        "--profile", choices=["smoke", "default", "deep"], default="default", help="how thorough to be; default default"
    )
    group.add_argument("--only", action="append", default=[], metavar="NAME", help="only these; may be repeated")
    group.add_argument("--skip", action="append", default=[], metavar="NAME", help="not these; may be repeated")
    group.add_argument(
        "--layer", dest="layers", action="append", default=[], metavar="http,media", help="only these layers"
    )
    group.add_argument("--shard", type=_shard, default=(1, 1), metavar="I/N", help="the I-th of N parts")
    group.add_argument(
        "--seed",
        type=_whole("a whole number, 0 or more", 0, 2**63 - 1),
        metavar="N",
        help="what random choices are made from; default a random one",
    )


def _add_limits(parser: Parser) -> None:
    group = parser.add_argument_group("what it may take")
    group.add_argument(
        "--wait",
        dest="wait_s",
        type=_number("a number of seconds from 0 to 86400 (a day)", 0, 86400),
        default=0.0,
        metavar="SECONDS",
        help="how long to wait for the target to answer at all; default 0",
    )
    group.add_argument(
        "--max-time",
        dest="max_time_s",
        type=_number(_SECONDS, 0, 86400, above=True),
        metavar="SECONDS",
        help="when to stop; default 10 (smoke), 90 (default), 900 (deep)",
    )
    group.add_argument(
        "--max-parallel-calls",
        type=_whole("a whole number from 2 to 1000", 2, 1000),
        default=40,
        metavar="N",
        help="how many calls may be open at once, 2 at the least; default 40",
    )
    group.add_argument("--yes", action="store_true", help="create calls on another machine without asking")


def _add_dialling(parser: Parser) -> None:
    group = parser.add_argument_group("dialling")
    group.add_argument("--insecure", action="store_true", help="do not check certificates")
    group.add_argument(
        "--allow-ws-host",
        dest="allowed_ws_hosts",
        action="append",
        default=[],
        metavar="HOST",
        help="a host beside the target's own that may be dialled; may be repeated",
    )
    group.add_argument(
        "--ws-url-rewrite",
        dest="ws_url_rewrites",
        type=_rewrite,
        action="append",
        default=[],
        metavar="A=B",
        help="dial B where a websocketUrl begins with A; may be repeated",
    )
    group.add_argument(
        "--caller-audio", type=Path, metavar="WAV", help="what the caller says; default a built-in recording"
    )
