"""What Linux says in `/proc` of processes and cores: CPU time, memory, who descends from whom."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Process:
    """One line of `/proc/PID/stat`.

    Attributes:
        pid: its id.
        parent: its parent's id.
        cpu_ticks: CPU time of itself and of its ended, awaited children.
        started: when it began, in ticks since the machine did; tells it from a later process with the same id.
        rss_pages: memory that it holds.
    """

    pid: int
    parent: int
    cpu_ticks: int
    started: int
    rss_pages: int


def parse_process(text: str) -> Process:
    """A process from its line in `/proc/PID/stat` (proc_pid_stat(5)); its name may hold spaces and parentheses."""
    before, _, after = text.rpartition(")")
    fields = after.split()
    return Process(
        pid=int(before.partition(" ")[0]),
        parent=int(fields[1]),
        cpu_ticks=sum(map(int, fields[11:15])),
        started=int(fields[19]),
        rss_pages=int(fields[21]),
    )


def parse_busy_ticks(text: str, cores: Collection[int]) -> int:
    """The ticks in which some cores were not idle, from `/proc/stat` (proc_stat(5)).

    Time that the hypervisor gave to others (steal) counts as busy: it disturbs as other processes do.  Time of guests
    is within the user's already.
    """
    names = {f"cpu{core}" for core in cores}
    busy = 0
    for line in text.splitlines():
        name, *fields = line.split()
        if name in names:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
            busy += user + nice + system + irq + softirq + steal
    return busy


def descent(root: int, processes: Iterable[Process]) -> list[Process]:
    """A process and all that descend from it, the oldest generation first; empty if it is not there."""
    every = list(processes)
    found = [each for each in every if each.pid == root]
    for parent in found:
        found += [each for each in every if each.parent == parent.pid]
    return found


def tree(root: int) -> list[Process]:
    """The processes that run now as `root` and below it."""
    return descent(root, _running())


def cpu_s(processes: Iterable[Process]) -> float:
    """CPU seconds that processes and their ended children took so far."""
    return sum(each.cpu_ticks for each in processes) / TICKS_PER_S


def rss_mb(processes: Iterable[Process]) -> float:
    """Memory of processes in MB; what several share counts for each."""
    return sum(each.rss_pages for each in processes) * PAGE_BYTES / 1e6


def busy_s(cores: Collection[int]) -> float:
    """Seconds for which some cores were not idle since the machine began."""
    return parse_busy_ticks((PROC / "stat").read_text(), cores) / TICKS_PER_S


def begun(processes: Iterable[Process]) -> list[Process]:
    """Those that run a program of their own: between fork and exec a child shows its parent's memory as its own."""
    every = list(processes)
    commands = {each.pid: _command(each.pid) for each in every}
    return [each for each in every if commands[each.pid] and commands[each.pid] != commands.get(each.parent)]


def is_running(process: Process) -> bool:
    """Whether this very process still runs, not only one with its id."""
    now = _read(process.pid)
    return now is not None and now.started == process.started


@contextmanager
def started_on(core: int) -> Iterator[None]:
    """Processes that are started within run on one core, with all that they start."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _running() -> Iterator[Process]:
    for folder in PROC.iterdir():
        if folder.name.isdigit() and (process := _read(int(folder.name))) is not None:
            yield process


def _command(pid: int) -> bytes:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""


def _read(pid: int) -> Process | None:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    process = parse_process(text)
    # A zombie has ended; only its parent has not looked yet.
    return None if text.rpartition(")")[2].split()[0] == "Z" else process
