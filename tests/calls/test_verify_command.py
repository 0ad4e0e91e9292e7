from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from calls.__main__ import main
from contract_tests import requirements, run
from contract_tests.context import Context
from contract_tests.findings import Requirement
from contract_tests.requirements import Check
from tests.running import RunningMock

ROOT = Path(__file__).parents[2]
KEY = "ck_mock_valid"
SECRET = "ck_prod_not_to_be_shown"


@pytest.fixture(autouse=True)
def no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CALLS_")]:
        monkeypatch.delenv(name)


@contextmanager
def answering(status: int, body: bytes = b"{}", media_type: str = "application/json", port: int = 0) -> Iterator[str]:
    """A server that answers everything alike: its URL."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def refused(*arguments: str) -> int | str | None:
    """The exit code of a command that does not get as far as to run."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code


# targets


def test_a_target_that_conforms_is_0(mock: RunningMock, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"{mock.base_url}/api/v1"
    # The URL stands behind an option that takes several values.
    code = main(["verify", "--agent", "agent_demo", "--only", "authentication", "--seed", "7", "--api-key", KEY, url])
    shown = capsys.readouterr()
    assert code == 0, shown.out
    assert "the target conforms in all that was checked (exit code 0)" in shown.out
    assert re.search(
        r"requirements, \d+ checks; profile default: at most 90 s and 400 requests a key; seed 7", shown.err
    )
    assert f"calls verify {url} --agent agent_demo --only authentication --seed 7 --api-key $CALLS_API_KEY" in shown.out
    assert KEY not in shown.out + shown.err


def test_a_target_that_is_not_there_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert main(["verify", url, "--api-key", SECRET]) == 2
    shown = capsys.readouterr()
    assert f"{url} does not answer: ConnectError" in shown.out
    assert SECRET not in shown.out + shown.err


def test_a_target_that_refuses_every_key_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(401) as url:
        assert main(["verify", url, "--api-key", SECRET, "another", "--agent", "a"]) == 2
    shown = capsys.readouterr()
    assert "no key works: every valid request is answered with 401" in shown.out
    assert SECRET not in shown.out + shown.err


@pytest.mark.parametrize(
    ("body", "media_type"), [(b"hello", "text/html; charset=utf-8"), (b"\n<p>", "application/json")]
)
def test_a_web_page_is_2(body: bytes, media_type: str, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(200, body, media_type) as url:
        assert main(["verify", url, "--api-key", SECRET, "--agent", "a"]) == 2
    assert "this looks like a web page or a proxy, not the API" in capsys.readouterr().out


def test_a_target_that_only_fails_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(500) as url:
        assert main(["verify", url, "--api-key", SECRET, "--agent", "a", "--only", "authentication"]) == 1
    shown = capsys.readouterr()
    assert "VIOLATED authentication.wrong-key[inline]" in shown.out
    # As it comes, a line each, and nothing else.
    lines = shown.err.splitlines()
    assert all(line.startswith(("violated ", "warned ")) for line in lines[1:]) and len(lines) > 2


def test_a_base_url_of_which_nothing_is_known_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(404) as url:
        assert main(["verify", url, "--api-key", SECRET, "--only", "authentication.wrong-key"]) == 1
        assert f"is {url} the base of /calls/inline?" in capsys.readouterr().out


def test_wait_waits_for_a_target_that_starts_later(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    codes: list[int] = []
    arguments = ["verify", f"http://127.0.0.1:{port}", "--api-key", SECRET, "--wait", "20"]
    judge = threading.Thread(target=lambda: codes.append(main(arguments)))
    judge.start()
    with answering(401, port=port):
        judge.join(20)
    assert codes == [2]
    assert "no key works" in capsys.readouterr().out


def test_a_layer_of_which_nothing_could_be_checked_is_2(mock: RunningMock, capsys: pytest.CaptureFixture[str]) -> None:
    # Without --agent, nothing can be said of /calls/create.
    arguments = ["--api-key", KEY, "--only", "authentication.wrong-key[create]"]
    assert main(["verify", f"{mock.base_url}/api/v1", *arguments]) == 2
    assert "nothing of the layer http could be checked, mostly because: no agent is known" in capsys.readouterr().out


def test_shards_are_merged_to_0_where_one_checked_what_another_could_not(mock: RunningMock, tmp_path: Path) -> None:
    # Without --agent, nothing can be said of /calls/create.
    codes, reports = [], []
    for operation in ("create", "inline"):
        reports.append(str(tmp_path / f"{operation}.json"))
        arguments = ["--api-key", KEY, "--only", f"authentication.wrong-key[{operation}]"]
        codes.append(main(["verify", f"{mock.base_url}/api/v1", *arguments, "--report", f"json={reports[-1]}"]))
    assert codes == [2, 0]
    assert main(["report", "merge", *reports]) == 0
    assert main(["report", "merge", reports[0], reports[0]]) == 2


def test_a_bug_of_the_judge_is_2_and_ends_nothing_else(
    mock: RunningMock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fails(it: Context) -> None:
        raise KeyError(it.settings.api_keys[0])

    async def passes(it: Context) -> None:
        pass

    def check(name: str, function: requirements.CheckFunction) -> Check:
        asked = Requirement(name=name, sentence="s", source="openapi/calls.yaml#/info", how="h", why="w", mend="m")
        return Check(requirement=asked, run=function)

    checks = (check("fuzz.fails", fails), check("fuzz.passes", passes))
    for module in (requirements, run):
        monkeypatch.setattr(module, "all_checks", lambda: checks)
    assert main(["verify", f"{mock.base_url}/api/v1", "--api-key", KEY]) == 2
    shown = capsys.readouterr()
    assert "fuzz.fails: the judge itself failed, in test_verify_command.py:" in shown.out
    assert "1 passed, 1 not checked" in shown.out
    assert KEY not in shown.out + shown.err


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for another process")
def test_ctrl_c_reports_what_was_found_so_far() -> None:
    def hang() -> None:
        connection, _ = listener.accept()
        arrived.set()
        held.append(connection)

    arrived, held = threading.Event(), list[socket.socket]()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        waiter = threading.Thread(target=hang)
        waiter.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # A shell may have told its children to ignore the signal.
        code = (
            "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
            "from calls.__main__ import main; sys.exit(main(sys.argv[1:]))"
        )
        command = [sys.executable, "-c", code, "verify", url, "--api-key", SECRET, "--only", "inline"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        assert arrived.wait(20)
        process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=20)
        waiter.join()
        held[0].close()
    assert process.returncode == 130, errors
    assert "interrupted before everything was checked" in printed
    assert "Traceback" not in errors


# what is asked for


def test_without_a_key_nothing_starts(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused("verify", "http://127.0.0.1:9") == 2
    assert capsys.readouterr().err == (
        "calls verify: there is no key: give --api-key KEY, or set CALLS_API_KEYS (see `calls verify --help`)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ftp://x", "--api-key", SECRET], "URL: expected http:// or https://"),
        (["http://u:p@x", "--api-key", SECRET], "URL: it must have no user"),
        (["http://x?key=1", "--api-key", SECRET], "URL: it must have no user, query or fragment"),
        (["http://x", "--api-key", f"{SECRET} "], "a key (not shown) has a space"),
        (["http://x", "--api-key", SECRET, "--only", "authentcation"], "did you mean authentication"),
        (["http://x", "--api-key", SECRET, "--skip=---"], "there is no '---'; `calls list` shows all"),
        (["http://x", "--api-key", SECRET, "--layer", "sound"], "--layer: there is no 'sound'"),
        (["http://x", "--api-key", SECRET, "--shard", "3/2"], "'3/2' is not I/N"),
        (["http://x", "--api-key", SECRET, "--max-time", "nan"], "'nan' is not a number of seconds"),
        (["http://x", "--api-key", SECRET, "--seed", "-1"], "'-1' is not a whole number"),
        (["http://x", "--api-key", SECRET, "--ws-url-rewrite", "a"], "expected A=B"),
        (["http://x", "--api-key", SECRET, "--report", "pdf"], "there is no report format 'pdf'"),
        (["http://x", "--api-key", SECRET, "--caller-audio", __file__], "not a WAV file"),
        (["http://x", "--api-key", SECRET, "--baseline", "/nowhere/at.all"], "/nowhere/at.all"),
        (["http://x", "--api-key", SECRET, "--only", "media", "--layer", "http"], "no requirement is selected"),
    ],
)
def test_what_is_asked_wrongly_is_told_in_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused("verify", *arguments) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == "" and shown.err.count("\n") == 1 and SECRET not in shown.err


def test_another_machine_is_left_alone_without_a_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", open(os.devnull))
    # An address for documentation (RFC 5737): nothing may be sent there.
    assert main(["verify", "http://192.0.2.1", "--api-key", SECRET]) == 2
    shown = capsys.readouterr()
    assert re.search(r"192\.0\.2\.1: about \d+ calls will be created there, at most 400; they may be billed", shown.err)
    assert "--yes" in shown.err
    sys.stdin.close()


def test_reports_go_where_they_are_asked_for(
    mock: RunningMock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only = ["--api-key", KEY, "--only", "authentication.wrong-key[inline]"]
    url = f"{mock.base_url}/api/v1"
    report = tmp_path / "new" / "report.xml"
    assert main(["verify", url, *only, "--report", f"junit={report}"]) == 0
    assert "(exit code 0)" in capsys.readouterr().out
    assert "<testsuite" in report.read_text()
    assert main(["verify", url, *only, "--report", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["target"] == url


def test_a_baseline_excuses_what_is_known_and_leaves_out_what_was_not_asked(tmp_path: Path) -> None:
    entries = ["authentication.wrong-key[inline]", "authentication.missing-key[inline]"]
    known = tmp_path / "known.yaml"
    known.write_text("".join(f'- {{finding: "{name}", reason: r, expires: 2999-01-01}}\n' for name in entries))
    with answering(500) as url:
        arguments = ["verify", url, "--api-key", SECRET, "--only", entries[0], "--baseline", str(known)]
        assert main(arguments) == 0
        assert main([*arguments[:-2]]) == 1


# what there is


def test_list_names_every_requirement(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    assert main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in listed] == [check.requirement.name for check in requirements.all_checks()]
    assert set(listed[0]) == {"name", "section", "level", "layer", "sentence", "source", "variants", "smoke"}
    for entry in listed:
        assert entry["name"] in shown and entry["source"] in shown


def test_explain_tells_where_it_stands_and_how_to_mend_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "authentication.missing-key[inline]"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"source +openapi/calls\.yaml:[1-9]\d+\n", shown)
    assert "MUST" in shown and "to mend it" in shown
    assert refused("explain", "authentication.mising-key") == 2
    assert "did you mean authentication.missing-key" in capsys.readouterr().err
