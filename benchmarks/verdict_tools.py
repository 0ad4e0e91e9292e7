"""The tools whose verdicts are compared: how each is called on a target, and what its report says."""

from __future__ import annotations

import copy
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from benchmarks.faulty import TIME_SCALE, URL_TTL_S
from benchmarks.peers import specmatic
from benchmarks.peers.installing import NotInstalled, program
from benchmarks.peers.servers import ROOT
from benchmarks.serving import end
from contract import documents
from contract_tests.in_force import SCHEMAS
from mockserver.settings import DEMO_AGENT, MOCK_KEYS

OURS = "calls verify"
SEED = 1
WITHIN_S = 300.0
"""How long one command may take; only one that hangs takes as long."""

KEY, NO_CREDIT_KEY, LIMITED_KEY = MOCK_KEYS
UNKNOWN_KEY = "ck_mock_unknown"
BODIES: dict[str, dict[str, Any]] = {
    "create": {"agentId": DEMO_AGENT},
    "inline": {"systemPrompt": "Be brief.", "voice": "Mark", "language": "en", "greeting": "Hello there"},
}
SCHEMATHESIS_CONFIG = """\
[auth.openapi.apiKey]
api_key = "${KEY}"
[checks.positive_data_acceptance]
expected-statuses = ["201"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "404", "415"]
"""
"""As strict as the correct mock allows, which answers 404 to an agent other than the one that is pinned.

Left alone, schemathesis takes 404 for a valid answer to a valid request, too.
"""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one tool said of one target.

    Attributes:
        failures: what it reports, by names that are the same whenever the same is wrong.
        requests: how many it made, with dials.
        problem: why it could not tell, wholly or in part; empty where it could.
    """

    failures: frozenset[str] = frozenset()
    requests: int = 0
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One tool.

    Attributes:
        name: what reports call it.
        version: its own.
        called: how it is called, in a line.
        judge: its report on the API at a base URL.
    """

    name: str
    version: str
    called: str
    judge: Callable[[str], Report]


def prepared(build: Path) -> tuple[list[Tool], dict[str, str]]:
    """The tools that can be run here, and for each of the others why it cannot."""
    tools, missing = [_calls_verify(), _schemathesis()], {}
    try:
        tools.append(_specmatic(build))
    except NotInstalled as reason:
        missing["specmatic test"] = str(reason)
    return tools, missing


def _calls_verify() -> Tool:
    options = ["--agent", DEMO_AGENT, "--time-scale", f"{TIME_SCALE:g}", "--url-ttl", f"{URL_TTL_S:g}"]
    options += ["--seed", str(SEED), "--report", "json=report.json"]
    keys = {"CALLS_API_KEYS": KEY, "CALLS_UNFUNDED_KEY": NO_CREDIT_KEY, "CALLS_LIMITED_KEY": LIMITED_KEY}

    def judge(url: str) -> Report:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            problem = _ended([sys.executable, "-m", "calls", "verify", url, *options], folder, keys)
            return _read(folder / "report.json", verify_report, problem)

    return Tool(
        name=OURS,
        version=importlib.metadata.version("calls-contract"),
        called=f"`calls verify URL {' '.join(options)}`, with a working, an unfunded and a limited key",
        judge=judge,
    )


def _schemathesis() -> Tool:
    options = ["--checks", "all", "--mode", "all", "--seed", str(SEED), "--generation-database", "none"]
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run", "calls.json"]
    command += [*options, "--report", "json", "--report-json-path", "report.json"]

    def judge(url: str) -> Report:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.joinpath("calls.json").write_text(json.dumps(pinned()))
            folder.joinpath("schemathesis.toml").write_text(SCHEMATHESIS_CONFIG)
            problem = _ended([*command, "--url", url], folder, {"KEY": KEY})
            return _read(folder / "report.json", schemathesis_report, problem)

    return Tool(
        name="schemathesis run",
        version=importlib.metadata.version("schemathesis"),
        called=f"`schemathesis run calls.json --url URL {' '.join(options)}`, with the key; valid requests must "
        "get 201, others 400, 401, 404 or 415",
        judge=judge,
    )


def _specmatic(build: Path) -> Tool:
    java, jar = program("java"), specmatic.jar(build / "specmatic")
    settings = {
        "SPECMATIC_GENERATIVE_TESTS": "true",
        "MAX_TEST_REQUEST_COMBINATIONS": str(specmatic.COMBINATIONS),
    }
    keys = {"401": UNKNOWN_KEY, "402": NO_CREDIT_KEY, "429": LIMITED_KEY}
    command = [java, "-jar", str(jar), "test", "calls.json", "--examples", "examples", "--junitReportDir", "junit"]

    def judge(url: str) -> Report:
        return merged(once(url, each) for each in (False, True))

    def once(url: str, websocket: bool) -> Report:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            specmatic.write(folder, BODIES, keys, websocket=websocket)
            # It takes the key from the variable that is named as the document's security scheme.
            variables = settings | {"apiKey": KEY, "HOME": name}
            problem = _ended([*command, "--testBaseURL", url], folder, variables)
            return _read(folder / "junit" / "TEST-junit-jupiter.xml", junit_report, problem)

    variables = " ".join(f"{name}={value}" for name, value in settings.items())
    return Tool(
        name="specmatic test",
        version=specmatic.SPECMATIC[1],
        called=f"`{variables} specmatic test calls.json --examples examples --testBaseURL URL`, with the key; "
        "an example each for 401, 402 and 429, with keys that are answered so",
        judge=judge,
    )


def pinned() -> dict[str, Any]:
    """The document with the agent pinned, which the target alone knows."""
    document = copy.deepcopy(documents.openapi())
    document["components"]["schemas"][SCHEMAS["create"]]["properties"]["agentId"]["enum"] = [DEMO_AGENT]
    return document


def verify_report(text: str) -> Report:
    """What `calls verify --report json` says; a warning is a report, too."""
    report = json.loads(text)
    wrong = {each["name"] for each in report["findings"] if each["verdict"] in ("violated", "warned")}
    return Report(failures=frozenset(wrong), requests=report["requests"] + report["dials"])


def schemathesis_report(text: str) -> Report:
    """What `schemathesis run --report json` says."""
    report = json.loads(text)
    failures = {f"{operation}: {each['title']}" for each in report["failures"] for operation in each["operations"]}
    # A connection that breaks off is among its errors.
    failures |= {each["title"] for each in report["errors"]}
    return Report(failures=frozenset(failures), requests=report["test_cases"]["generated"])


def junit_report(text: str) -> Report:
    """What JUnit's XML says; each test is one request."""
    tests = ElementTree.fromstring(text).findall("testcase")
    wrong = (each for each in tests if each.find("failure") is not None or each.find("error") is not None)
    return Report(failures=frozenset(each.get("name", "") for each in wrong), requests=len(tests))


def merged(reports: Iterator[Report]) -> Report:
    """Several runs on one target as one."""
    every = list(reports)
    return Report(
        failures=frozenset().union(*(each.failures for each in every)),
        requests=sum(each.requests for each in every),
        problem="; ".join(dict.fromkeys(each.problem for each in every if each.problem)),
    )


def _read(path: Path, read: Callable[[str], Report], problem: str) -> Report:
    try:
        found = read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, ElementTree.ParseError):
        return Report(problem=problem or "no report")
    return Report(failures=found.failures, requests=found.requests, problem=problem)


def _ended(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> str:
    """Run a command in a folder until it ends or its time is up; why it could not tell, if it could not."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CALLS_")}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**own, "PYTHONPATH": str(ROOT), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = process.wait(WITHIN_S)
    except subprocess.TimeoutExpired:
        return f"did not end within {WITHIN_S:.0f} s"
    finally:
        end(process)
    # All three end with 1 where they found something.
    return "" if code in (0, 1) else f"ended with code {code}"
