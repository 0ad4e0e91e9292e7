"""What `benchmarks.http` says of its measurements: the section of the report, its plot, the line of the history."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks import bars, history, machine, report, samples
from benchmarks.peers.servers import OURS, ROOT, Server
from benchmarks.samples import Sample, Spread

NAME = "http"
OPERATIONS = ("create", "inline")
CONNECTIONS = 32
PACKAGES = ("connexion", "starlette", "uvicorn", "uvloop", "httptools", "jsonschema-rs", "msgspec")

METHOD = f"""\
Servers take turns, round after round: each is started on a core of its own, warmed up, and sent the same request on
{CONNECTIONS} keep-alive connections by a client on another core. **CPU us** is the CPU time of all of a server's
processes for one call that it created, in microseconds: less is better. It is steadier than rates and latencies where
the machine does other things, but does not stay the same: caches are shared, and compilers at run time (Node, Java) get
less done while they warm up. Values are medians [least-most] over the rounds; **ratio** is CPU us divided by that of
`{OURS}` in the same round, so above 1 the mock is cheaper."""

SPEED = f"""\
Rates are of all samples; latencies, in milliseconds, only of quiet ones, of which there were n. They are those of
{CONNECTIONS} connections that each wait for an answer, so mostly of the queue. Start is from the start of the process
to its first 201. Memory is what all of a server's processes hold after the load."""


@dataclass
class Results:
    """What a run found.

    Attributes:
        samples: what was measured.
        starts_s: seconds from start to first answer, by server.
        failures: why a server could not be measured, or not always, by server.
    """

    samples: list[Sample] = field(default_factory=list)
    starts_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: dict[str, str] = field(default_factory=dict)


def section(
    servers: Sequence[Server], results: Results, *, rounds: int, seconds: float, plot: str | None = None
) -> str:
    """The report: what was measured how, the plot's place, and the tables."""
    peers = sorted({each.version for each in servers if each.version and each.name not in results.failures})
    foreign = Spread.of(each.foreign_cores for each in results.samples)
    quiet = sum(each.is_quiet for each in results.samples)
    parts = [
        "## HTTP: creating calls",
        report.paragraph(
            f"`python -m benchmarks.http --rounds {rounds} --seconds {seconds:g}`, "
            f"{datetime.date.today().isoformat()}, commit {machine.commit(ROOT)}. {machine.processor()};",
            f"{machine.system()}; {', '.join([*machine.versions(PACKAGES), *peers])}.",
        ),
        report.paragraph(
            METHOD,
            f"Other processes used {report.spread(foreign, 2)} of the two cores;",
            f"{quiet} of {len(results.samples)} samples were quiet (below {samples.QUIET_BELOW_CORES}).",
        ),
        *([f"![CPU time for one created call on each server; the table has the same numbers]({plot})"] if plot else []),
        report.table(
            ["server", "create, CPU us", "ratio", "inline, CPU us", "ratio"],
            ([server.name, *_cost(server, results)] for server in servers),
        ),
        "They do not all do the same work for a call:",
        "\n".join(f"- **{server.name}**: {server.does}." for server in servers),
        report.paragraph(SPEED),
        report.table(
            ["server", "create/s", "p50", "p99", "n", "inline/s", "p50", "p99", "n", "start s", "memory MB"],
            ([server.name, *_speed(server, results)] for server in servers),
        ),
        "\n".join(_remarks(servers, results)),
    ]
    return "\n\n".join(part for part in parts if part)


def _cost(server: Server, results: Results) -> Iterator[str]:
    for operation in OPERATIONS:
        spread = samples.cpu_us(results.samples, server.name, operation)
        yield report.spread(spread, missing=_missing(server, results))
        is_ours = server.name == OURS
        ratio = None if is_ours else samples.ratio(results.samples, server.name, OURS, operation)
        yield "1" if is_ours and spread else report.spread(ratio, 2)


def _missing(server: Server, results: Results) -> str:
    reason = results.failures.get(server.name, "")
    return "not installed" if reason.startswith("not installed") else "not measured"


def _speed(server: Server, results: Results) -> Iterator[str]:
    own = [each for each in results.samples if each.server == server.name]
    for operation in OPERATIONS:
        some = [each for each in own if each.operation == operation]
        quiet = [each for each in some if each.is_quiet and each.p50_ms is not None]
        yield report.spread(Spread.of(each.requests_per_s for each in some))
        yield report.spread(Spread.of(each.p50_ms for each in quiet if each.p50_ms is not None), 2)
        yield report.spread(Spread.of(each.p99_ms for each in quiet if each.p99_ms is not None), 2)
        yield str(len(quiet))
    yield report.spread(Spread.of(results.starts_s.get(server.name, [])), 2)
    yield report.spread(Spread.of(each.rss_mb for each in own))


def _remarks(servers: Sequence[Server], results: Results) -> Iterator[str]:
    for server in servers:
        if server.name in results.failures:
            yield f"- **{server.name}** {results.failures[server.name]}"
    for server in servers:
        others: dict[str, int] = defaultdict(int)
        for sample in results.samples:
            if sample.server == server.name:
                for what, count in sample.others.items():
                    others[what] += count
        if others:
            counted = ", ".join(f"{count:,} times {what}" for what, count in sorted(others.items()))
            yield f"- **{server.name}** did not only answer 201: {counted}"
    if results.samples and not any(each.others for each in results.samples):
        yield "Every request that was answered was answered with 201, and no connection was dropped."


def plot(servers: Sequence[Server], results: Results) -> str:
    """The CPU times as SVG."""
    rows = [
        bars.Row(each.name, [samples.cpu_us(results.samples, each.name, operation) for operation in OPERATIONS])
        for each in servers
    ]
    return bars.svg(
        "CPU time of the server for one created call",
        "microseconds",
        [f"POST /calls/{operation}" for operation in OPERATIONS],
        [row for row in rows if any(row.spreads)],
    )


def record(servers: Sequence[Server], results: Results, *, rounds: int, seconds: float) -> history.Run:
    """The run as the history keeps it."""
    medians: dict[str, float] = {}
    for server in servers:
        for operation in OPERATIONS:
            if spread := samples.cpu_us(results.samples, server.name, operation):
                medians[f"{server.name}, {operation}, CPU us"] = round(spread.median, 1)
            ratio = samples.ratio(results.samples, server.name, OURS, operation)
            if ratio and server.name != OURS:
                medians[f"{server.name}, {operation}, ratio"] = round(ratio.median, 3)
    foreign = Spread.of(each.foreign_cores for each in results.samples)
    return history.of(
        NAME,
        PACKAGES,
        medians,
        rounds=rounds,
        seconds=seconds,
        foreign_cores=round(foreign.median, 2) if foreign else None,
        failures=results.failures,
    )
