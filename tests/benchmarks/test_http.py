from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import http, http_report
from benchmarks.http_report import Results
from benchmarks.load import Measured
from benchmarks.peers.installing import NotInstalled
from benchmarks.peers.servers import OURS, SERVERS, Launch, Server
from tests.benchmarks.test_samples import sample


def _cannot(build: Path) -> Launch:
    raise NotInstalled("npm could not reach https://registry.example/")


PEER = Server(key="peer", name="Peer", does="some of it", prepare=_cannot, version="Peer 1.2.3")
ABSENT = Server(key="absent", name="Absent", does="little", prepare=_cannot, version="Absent 9.9.9")
THREE = [SERVERS[0], PEER, ABSENT]


def _results() -> Results:
    results = Results(failures={"Absent": "not installed: java is missing"})
    results.starts_s[OURS] += [1.0, 1.5]
    for number in range(2):
        for operation in http_report.OPERATIONS:
            results.samples += [
                sample(operation=operation, round=number, server_cpu_s=0.5 + number / 10),
                sample(operation=operation, round=number, server="Peer", server_cpu_s=2.0, foreign_cores=0.9),
            ]
    return results


def _section(results: Results, **changed: Any) -> str:
    return http_report.section(THREE, results, **({"rounds": 2, "seconds": 2.0} | changed))


def test_the_report_has_each_server_with_its_ratio_and_who_is_missing_with_the_reason() -> None:
    text = _section(_results(), plot="plot.svg")
    assert f"| {OURS} | 55 [50-60] | 1 | 55 [50-60] | 1 |" in text
    assert "| Peer | 200 [200-200] | 3.67 [3.33-4.00] | 200 [200-200] | 3.67 [3.33-4.00] |" in text
    assert "| Absent | not installed | - | not installed | - |" in text
    assert "- **Absent** not installed: java is missing" in text
    assert "](plot.svg)" in text
    assert "Peer 1.2.3" in text and "Absent 9.9.9" not in text


def test_latencies_come_from_quiet_samples_only() -> None:
    text = _section(_results())
    ours, peer = (line for line in text.splitlines() if re.match(rf"\| ({OURS}|Peer) \| 5,000", line))
    assert "1.00 [1.00-1.00] | 3.00 [3.00-3.00] | 2 |" in ours
    assert "5,000 [5,000-5,000] | - | - | 0 |" in peer
    assert "4 of 8 samples were quiet" in " ".join(text.split())


def test_answers_that_are_no_201_are_told_and_counted_together() -> None:
    results = _results()
    results.samples += [
        sample(server="Peer", others={"500": 3, "dropped": 1}),
        sample(server="Peer", others={"500": 4}),
    ]
    text = _section(results)
    assert "- **Peer** did not only answer 201: 7 times 500, 1 times dropped" in text
    assert "Every request that was answered was answered with 201" not in text
    assert "Every request that was answered was answered with 201" in _section(_results())


def test_a_run_that_measured_nothing_still_has_a_report() -> None:
    text = _section(
        Results(failures={each.name: "round 1: it ended with code 1 instead of starting" for each in THREE})
    )
    assert "| Peer | not measured | - | not measured | - |" in text
    assert "- **Peer** round 1: it ended with code 1 instead of starting" in text


def test_the_plot_leaves_out_what_was_not_measured() -> None:
    text = http_report.plot(THREE, _results())
    assert ">Peer<" in text
    assert "Absent" not in text


def test_the_history_gets_medians_ratios_and_reasons() -> None:
    run = json.loads(json.dumps(http_report.record(THREE, _results(), rounds=2, seconds=2.0)))
    assert run["medians"][f"{OURS}, create, CPU us"] == 55.0
    assert run["medians"]["Peer, inline, ratio"] == 3.667
    assert f"{OURS}, create, ratio" not in run["medians"]
    assert run["failures"] == {"Absent": "not installed: java is missing"}
    assert {"benchmark", "date", "commit", "machine", "versions"} <= run.keys()


def test_a_sample_counts_201_and_takes_our_own_time_off_the_busy_cores() -> None:
    found = Measured(
        seconds=2.0,
        statuses={"201": 90, "429": 10},
        dropped=2,
        p50_ms=1.0,
        p99_ms=2.0,
        server_cpu_s=1.0,
        client_cpu_s=0.5,
        busy_s=1.75,
        server_rss_mb=50.0,
    )
    got = http.sample_of("Peer", "create", 3, found)
    assert (got.created, got.others, got.round) == (90, {"429": 10, "dropped": 2}, 3)
    assert got.foreign_cores == pytest.approx(0.125)


def test_who_cannot_be_installed_is_reported_without_addresses_and_the_others_go_on(tmp_path: Path) -> None:
    found = http.measured([PEER], rounds=2, seconds=0.1, build=tmp_path)
    assert found.failures == {"Peer": "not installed: npm could not reach …"}
    assert found.samples == []


DIES = """
import asyncio, os, sys
async def serve(reader, writer, left=[20]):
    while await reader.readuntil(b"}"):
        left[0] -= 1
        if left[0] < 0: os._exit(3)
        writer.write(b"HTTP/1.1 201 Created\\r\\nContent-Length: 0\\r\\n\\r\\n")
async def main():
    await (await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))).serve_forever()
asyncio.run(main())
"""


def test_a_server_that_ends_under_load_is_no_sample_and_is_said_to_have(tmp_path: Path) -> None:
    launch = Launch(command=lambda port: [sys.executable, "-c", DIES, str(port)], folder=tmp_path)
    dying = Server(key="dying", name="Dying", does="little", prepare=lambda build: launch, warm_up_s=0.05)
    found = http.measured([dying], rounds=1, seconds=0.1, build=tmp_path)
    assert found.failures == {"Dying": "round 1: it ended under load"}
    assert found.samples == []


def test_bodies_are_the_documents_own_examples() -> None:
    bodies = {name: json.loads(body) for name, body in http.request_bodies().items()}
    assert bodies["create"]["agentId"] == "agent_demo"
    assert bodies["inline"]["systemPrompt"]
    assert {body["connectionType"] for body in bodies.values()} == {"twilio"}


def test_a_mistyped_name_is_refused_with_those_that_exist() -> None:
    with pytest.raises(SystemExit, match="prsim is none of .*prism-silent"):
        http.main(["--only", "calls,prsim"])


@pytest.mark.parametrize(
    "arguments", [["--rounds", "0"], ["--seconds", "-1"], ["--seconds", "nan"], ["--seconds", "inf"]]
)
def test_what_cannot_be_measured_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        http.main(arguments)


def test_one_short_round_ends_in_a_report_a_plot_and_a_line_of_history(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, plot, history = tmp_path / "page.md", tmp_path / "plot.svg", tmp_path / "history.jsonl"
    arguments = ["--rounds", "1", "--seconds", "0.2", "--only", "calls,empty"]
    files = ["--markdown", str(page), "--svg", str(plot), "--history", str(history)]
    assert http.main([*arguments, *files]) == 0
    (run,) = map(json.loads, history.read_text().splitlines())
    assert run["medians"]["empty ASGI application, create, ratio"] < 1
    assert "](plot.svg)" in page.read_text()
    assert "did not only answer 201" not in page.read_text()
    assert plot.read_text().startswith("<svg")
    assert "This is the first run on record." in capsys.readouterr().out
