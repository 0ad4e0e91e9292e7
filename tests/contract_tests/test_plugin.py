from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.running import RunningMock

ROOT = Path(__file__).parents[2]
KEY = "ck_mock_valid"

OWN_SUITE = """
def test_creates(calls_target):
    assert calls_target.create_inline()["status"] == "created"
    assert calls_target.create(connectionType="plivo")["connectionType"] == "plivo"
    assert calls_target.post("inline", {}, key="nonsense").status == 401

def test_talks(calls_target, calls_carrier):
    carrier = calls_carrier(calls_target.create_inline(connectionType="telnyx", greeting="Hi."))
    carrier.start()
    assert carrier.heard_anything()
    assert carrier.quiet(0.2)
    carrier.speak()
    assert carrier.hears()
    assert carrier.audio and carrier.messages and not carrier.faults
    carrier.press("5")
    carrier.stop()
    assert carrier.ended()
"""


def pytest_run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Pytest in a process of its own, with this plugin and no other, whether or not it is installed."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CALLS_", "PYTEST_"))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "contract_tests.plugin",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
    ]
    return subprocess.run(
        [*command, f"--rootdir={ROOT}", "-rA", "--color=no", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={**inherited, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT), **variables},
    )


def target(mock: RunningMock) -> tuple[str, ...]:
    return "--calls-url", f"{mock.base_url}/api/v1", "--calls-agent", "agent_demo"


def test_without_a_target_every_test_is_skipped_for_one_reason() -> None:
    done = pytest_run("--pyargs", "contract_tests", "--calls-only", "authentication")
    assert done.returncode == 0
    assert "no target: --calls-url URL" in done.stdout
    assert " passed" not in done.stdout and "failed" not in done.stdout


def test_a_target_that_conforms_passes_a_test_for_each_finding(mock: RunningMock) -> None:
    only = "authentication.wrong-key,authentication.valid-key[create]"
    done = pytest_run("--pyargs", "contract_tests", *target(mock), "--calls-only", only, CALLS_API_KEYS=KEY)
    assert done.returncode == 0, done.stdout
    for name in ("authentication.wrong-key[create]", "authentication.wrong-key[inline]"):
        assert f"PASSED contract_tests/test_contract.py::test_contract[{name}]" in done.stdout
    assert "4 passed" in done.stdout
    assert KEY not in done.stdout


def test_a_violation_fails_its_test_with_what_was_expected_and_received(mock: RunningMock) -> None:
    # The mock's key works, so whoever says that it has no balance is told so.
    arguments = ("--calls-only", "errors,authentication.wrong-key", "--calls-unfunded-key", KEY)
    done = pytest_run("--pyargs", "contract_tests", *target(mock), "--calls-api-key", KEY, *arguments)
    assert done.returncode == 1, done.stdout
    for label in ("expected", "received", "reproduce", "likely cause"):
        assert f"  {label}  " in done.stdout
    assert "  again         calls verify " in done.stdout
    assert KEY not in done.stdout


def test_only_what_pytest_selects_is_judged(mock: RunningMock) -> None:
    chosen = ("-k", "wrong-key", "--calls-only", "authentication", "--calls-api-key", KEY)
    done = pytest_run("--pyargs", "contract_tests", *target(mock), *chosen)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_a_target_that_refuses_every_key_fails_every_test(mock: RunningMock) -> None:
    wrong = ("--calls-only", "authentication.wrong-key", "--calls-api-key", "nonsense")
    done = pytest_run("--pyargs", "contract_tests", *target(mock), *wrong)
    assert done.returncode == 1
    assert "no key works" in done.stdout and "3 failed" in done.stdout


def test_an_overlay_is_asked_for_and_named(mock: RunningMock) -> None:
    asked = ("--calls-only", "create.connection-type", "--calls-api-key", KEY, "--calls-overlay")
    done = pytest_run("--pyargs", "contract_tests", *target(mock), *asked, "webrtc-on-create")
    assert done.returncode == 1
    assert ", --calls-overlay webrtc-on-create, " in done.stdout
    assert "201: connectionType webrtc is allowed" in done.stdout


def test_wrong_options_are_told_in_one_line(mock: RunningMock) -> None:
    done = pytest_run("--pyargs", "contract_tests", *target(mock))
    assert done.returncode == 4
    assert "there is no key: give --calls-api-key KEY, or set CALLS_API_KEYS" in done.stderr
    done = pytest_run("--pyargs", "contract_tests", "--calls-only", "authentcation")
    assert done.returncode == 2
    assert "did you mean authentication" in done.stdout + done.stderr


def test_suites_of_ones_own_create_and_dial_calls(mock: RunningMock, tmp_path: Path) -> None:
    suite = tmp_path / "test_own.py"
    suite.write_text(OWN_SUITE)
    done = pytest_run(str(suite), *target(mock), "--calls-api-key", KEY)
    assert "2 passed" in done.stdout, done.stdout
    done = pytest_run(str(suite))
    assert "2 skipped" in done.stdout


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    code = (
        "import pytest, sys; before = set(sys.modules); import contract_tests.plugin; "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, cwd=ROOT)
    assert done.stdout.strip() == "['contract_tests', 'contract_tests.plugin']"
