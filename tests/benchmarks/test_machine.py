from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import machine


def test_the_processor_is_named_by_its_model() -> None:
    assert machine.cpu_model("processor\t: 0\nmodel name\t: Some CPU 9000\nmodel\t: 1\n") == "Some CPU 9000"
    assert machine.cpu_model("") == "unknown processor"


def test_the_kernel_is_named_without_what_its_builder_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.release", lambda: "6.1.44-acme-build7")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    assert machine.system() == "Linux 6.1.44"


def test_outside_of_a_checkout_the_commit_is_unknown(tmp_path: Path) -> None:
    assert machine.commit(tmp_path) == "unknown"
