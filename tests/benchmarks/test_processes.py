from __future__ import annotations

import subprocess
import sys

from benchmarks import processes
from benchmarks.processes import Process, descent, parse_busy_ticks, parse_process

STAT = (
    "4711 (tricky (name) x) S 17 4711 4711 0 -1 4194560 1200 50 0 0 150 30 7 3 20 0 4 0 987654 123456789 2048 "
    "18446744073709551615 1 1 0 0 0 0 0 16781312 17642 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
)
CORES = """\
cpu  1000 1 1 1 1 1 1 1 1 1
cpu0 100 20 30 4000 500 6 7 8 90 10
cpu1 1 2 3 4000 500 4 5 6 0 0
cpu10 1000 2 3 4000 500 4 5 6 0 0
intr 12345 0 0
"""


def _process(pid: int, parent: int) -> Process:
    return Process(pid=pid, parent=parent, cpu_ticks=pid, started=0, rss_pages=1)


def test_a_process_is_read_from_its_line_whatever_its_name_holds() -> None:
    assert parse_process(STAT) == Process(pid=4711, parent=17, cpu_ticks=190, started=987654, rss_pages=2048)


def test_busy_is_what_is_neither_idle_nor_waiting_nor_counted_twice_on_just_these_cores() -> None:
    assert parse_busy_ticks(CORES, [0]) == 100 + 20 + 30 + 6 + 7 + 8
    assert parse_busy_ticks(CORES, [0, 1]) == 171 + 21


def test_a_tree_holds_children_of_children_in_any_order_and_nobody_else() -> None:
    others = [_process(9, 8), _process(8, 7), _process(5, 1), _process(7, 1), _process(1, 0)]
    assert [each.pid for each in descent(7, others)] == [7, 8, 9]
    assert descent(4, others) == []


def test_a_running_child_is_found_and_one_that_ended_is_not() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        (found,) = processes.tree(child.pid)
        assert found.pid == child.pid
        assert processes.is_running(found)
        assert child.stdin is not None
        child.stdin.close()
    assert not processes.is_running(found)
    assert processes.tree(child.pid) == []


def test_a_child_that_has_begun_no_program_yet_shows_its_parents_memory_and_does_not_count() -> None:
    program = "import os, sys; os.fork(); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as child:
        while len(tree := processes.tree(child.pid)) < 2:
            assert child.poll() is None
        assert [each.pid for each in processes.begun(tree)] == [child.pid]
        assert child.stdin is not None
        child.stdin.close()
