"""The arguments of `calls verify`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from calls.arguments import Parser
from contract_tests.settings import TargetSettings

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
  calls verify http://127.0.0.1:8080/api/v1 --agent A --overlay webrtc-on-create
"""


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


def parser_of_verify() -> Parser:
    """The parser; what it gives has the options' names."""
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
    group.add_argument(
        "--overlay",
        dest="overlays",
        action="append",
        default=[],
        metavar="FILE",
        help="an OpenAPI Overlay 1.0 over the HTTP half of the contract that is asked for: a file, or one that is "
        "shipped, such as webrtc-on-create; may be repeated, applied in their order",
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
        default=TargetSettings.max_parallel_calls,
        metavar="N",
        help=f"how many calls may be open at once, 2 at the least; default {TargetSettings.max_parallel_calls}",
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
        help="dial B where a websocketUrl or a roomUrl begins with A; may be repeated",
    )
    group.add_argument(
        "--caller-audio",
        type=Path,
        metavar="WAV",
        help="what the caller says, as one turn without long pauses; default a built-in recording",
    )
