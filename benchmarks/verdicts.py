"""Compares `calls verify` with schemathesis alone on the mock's faults: caught, seconds, requests, in one run.

Run: python -m benchmarks.verdicts [--every N] [--markdown FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract_tests.context import Context, Judge
from contract_tests.deciding import narrowed
from contract_tests.engine import Selection
from contract_tests.run import judge
from contract_tests.settings import TargetSettings
from mockserver.settings import DEMO_AGENT, MOCK_KEYS
from tests.faults import FAULTS
from tests.running import running_mock

TIME_SCALE = 20.0
CONFIG = """\
[auth.openapi.apiKey]
api_key = "${CALLS_API_KEY}"
[checks.positive_data_acceptance]
expected-statuses = ["201"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "415"]
"""
"""As strict as the correct mock allows: left alone, schemathesis takes 404 for a valid answer to a valid request."""


@dataclass(frozen=True)
class Result:
    """What one tool made of one target."""

    caught: bool
    seconds: float
    requests: int


def by_us(settings: TargetSettings) -> Result:
    """`calls verify` with its default profile."""
    began = time.monotonic()
    run = asyncio.run(judge(settings, Selection(), today=datetime.date.today()))
    return Result(run.exit_code == 1, time.monotonic() - began, run.requests + run.dials)


def by_schemathesis(settings: TargetSettings) -> Result:
    """Schemathesis with all its checks and phases, on the document with the agent pinned."""
    began = time.monotonic()
    caught, requests = False, 0
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "schemathesis.toml").write_text(CONFIG)
        for operation in ("create", "inline"):
            document = narrowed(Context(Judge(settings), operation).valid(), operation, websocket=False)
            Path(folder, "calls.json").write_text(json.dumps(document))
            command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"]
            command += ["calls.json", "--url", settings.url, "--checks", "all", "--mode", "all", "--seed", "1"]
            command += ["--generation-database", "none", "--report", "json", "--report-json-path", "report.json"]
            environment = os.environ | {"CALLS_API_KEY": settings.api_keys[0]}
            subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=180)
            report = json.loads(Path(folder, "report.json").read_text())
            caught |= bool(report["failures"])
            requests += report["test_cases"]["generated"]
    return Result(caught, time.monotonic() - began, requests)


def main() -> None:
    """Hold both against each fault in turn, and against the correct mock; print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=10, help="take every Nth fault; default 10")
    parser.add_argument("--markdown", type=Path, help="write the table to this file, too")
    given = parser.parse_args()
    faults = FAULTS[:: given.every]
    tools = {"calls verify": by_us, "schemathesis": by_schemathesis}
    results: dict[str, list[Result]] = {name: [] for name in tools}
    accused = dict.fromkeys(tools, False)
    for fault in [None, *faults]:
        options: dict[str, Any] = {"time_scale": TIME_SCALE, "url_ttl_s": 5.0, "rate_limit_per_hour": 0}
        options |= {"livekit_url": "ws://127.0.0.1:7880", "livekit_key": "k", "livekit_secret": "s" * 32}
        options |= dict(fault.settings) if fault else {}
        for name, tool in tools.items():
            with running_mock(fault.apply if fault else lambda server: None, **options) as mock:
                valid, no_credit, limited = MOCK_KEYS
                settings = TargetSettings(
                    url=mock.base_url + "/api/v1",
                    api_keys=(valid,),
                    unfunded_key=no_credit,
                    limited_key=limited,
                    agent=DEMO_AGENT,
                    time_scale=TIME_SCALE,
                    url_ttl_s=5.0,
                    seed=1,
                )
                result = tool(settings)
            if fault is None:
                accused[name] = result.caught
            else:
                results[name].append(result)
        if fault is not None:
            print(fault.breaks, *(f"{name}: {results[name][-1].caught}" for name in tools), sep="; ", flush=True)
    table = _table(results, accused)
    print(table)
    if given.markdown:
        given.markdown.write_text(table)


def _table(results: dict[str, list[Result]], accused: dict[str, bool]) -> str:
    lines = [
        "# Verdicts compared",
        "",
        "Made by `python -m benchmarks.verdicts`: the mock with one fault each, both tools in turn, in one run.",
        "",
        "| tool | faults caught | median seconds | median requests and dials | accuses the correct mock |",
        "|---|---|---|---|---|",
    ]
    for name, row in results.items():
        caught = sum(each.caught for each in row)
        seconds = statistics.median(each.seconds for each in row)
        requests = statistics.median(each.requests for each in row)
        said = "yes" if accused[name] else "no"
        lines.append(f"| {name} | {caught} of {len(row)} | {seconds:.0f} | {requests:.0f} | {said} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
