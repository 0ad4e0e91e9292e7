from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from calls.welcome import welcome
from mockserver.espeak import INSTALL
from mockserver.settings import Settings
from tests.running import VALID_KEY

ROOT = Path(__file__).parents[2]
SECRET = "ck_prod_not_to_be_shown"


def environment(**more: str) -> dict[str, str]:
    """This process's environment without the mock's own options."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CALLS_")}
    return {**inherited, "PYTHONUNBUFFERED": "1", **more}


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command that is expected to end by itself."""
    command = [sys.executable, "-m", "calls", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment(**variables))


@contextmanager
def started(*arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """A mock in a process of its own: the process, its base URL, and what it printed until it was ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "calls", "mock", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(**variables),
    )
    try:
        assert process.stdout is not None
        printed = ""
        while "The contract: " not in printed:
            line = process.stdout.readline()
            assert line, f"the mock did not start: {printed}"
            printed += line
        found = re.search(r"on (http://\S+)", printed)
        assert found is not None
        yield process, found[1], printed
    finally:
        process.kill()
        process.communicate()


def test_a_newcomer_is_told_what_to_do_and_each_printed_curl_line_creates_a_call() -> None:
    with started() as (_, base_url, printed):
        words = ("ck_mock_valid", "402", "429", "agent_demo", "--agent", "wscat", "calls dial", "README", "TwiML")
        for word in (*words, base_url):
            assert word in printed
        commands = re.findall(r"^  (curl .*\\\n.*)$", printed, re.MULTILINE)
        assert len(commands) == 2
        for command in commands:
            answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=10).stdout
            assert '"status": "created"' in answer or '"status":"created"' in answer


def test_an_answered_request_and_a_call_are_logged_without_their_secrets() -> None:
    with started(CALLS_API_KEYS=SECRET) as (process, base_url, printed):
        answer = httpx.post(f"{base_url}/calls/create", json={"agentId": "agent_demo"}, headers={"X-API-Key": SECRET})
        url = answer.json()["websocketUrl"]
        with connect(url):
            pass
        httpx.get(url.replace("ws://", "http://"))
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        log, _ = process.communicate(timeout=10)
    assert "POST /calls/create 201" in log
    assert "dialled as twilio" in log
    assert "GET /media/*** 404" in log
    for text in (printed, log):
        assert SECRET not in text
        assert url.rpartition("/")[2] not in text


def status_of(control_url: str, token: str) -> int:
    """What the control API answers to a token."""
    return httpx.get(f"{control_url}/status", headers={"Authorization": f"Bearer {token}"}).status_code


def test_the_control_api_s_token_is_printed_where_it_was_made_up() -> None:
    with started() as (_, base_url, printed):
        found = re.search(r"^Control API \(docs/control.md\): (\S+)   token (\S+)$", printed, re.MULTILINE)
        assert found is not None
        url, token = found.groups()
        assert url == f"{base_url}/__mock__/api"
        assert (status_of(url, token), status_of(url, token + "x")) == (200, 401)
    with started(CALLS_CONTROL_TOKEN=SECRET) as (_, base_url, printed):
        assert SECRET not in printed
        assert status_of(f"{base_url}/__mock__/api", SECRET) == 200


@pytest.mark.parametrize("options", [(), ("--inspector", "off")])
def test_a_program_is_told_in_one_line_of_json(options: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "calls", "mock", "--port", "0", "--json", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        created = httpx.post(
            f"{told['baseUrl']}/calls/create", json={"agentId": "agent_demo"}, headers={"X-API-Key": told["apiKey"]}
        )
        assert created.status_code == 201
        if options:
            assert told.keys() == {"baseUrl", "apiKey"}
        else:
            assert status_of(told["controlUrl"], told["controlToken"]) == 200
    finally:
        process.kill()
        rest, _ = process.communicate()
    assert rest == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_sigterm_closes_every_call_with_1001_and_ends_in_order() -> None:
    with started() as (process, base_url, _):
        created = httpx.post(f"{base_url}/calls/create", json={"agentId": "agent_demo"}, headers=VALID_KEY).json()
        with connect(created["websocketUrl"]) as call:
            process.send_signal(signal.SIGTERM)
            started_at = time.monotonic()
            with pytest.raises(Exception, match="1001"):
                while True:
                    call.recv(timeout=5)
            assert process.wait(10) == 0
            assert time.monotonic() - started_at < 5


def test_a_port_that_is_taken_is_one_clear_line_and_exit_code_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("mock", "--port", str(port))
    assert result.returncode == 2
    assert result.stderr == f"calls mock: cannot listen on 127.0.0.1:{port}: address already in use\n"
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["mock", "--port", "x"], "--port (CALLS_PORT): 'x' is not a whole number from 0 to 65535"),
        (["mock", "--port"], "argument --port: expected one argument"),
        (["mock", "--prot", "1"], "there is no option --prot"),
        (["mock", "--apikey=" + SECRET], "there is no option --apikey"),
        (["mock", "--api-key", SECRET + " "], "--api-key (CALLS_API_KEYS): what came (not shown) is not printable"),
        (["mock", SECRET], "more arguments than expected"),
        (["mock", "--url-ttl", "0"], "--url-ttl (CALLS_URL_TTL): '0' is not a number of seconds above 0"),
        (["mock", "--behaviour", "shout"], "--behaviour (CALLS_BEHAVIOUR): 'shout' is not parrot, echo, silent"),
        (["mock", "--port", "0", "--behaviour", "script=nowhere.yaml"], "nowhere.yaml: No such file or directory"),
        (
            ["mock", "--voice-output", "loud"],
            "--voice-output (CALLS_VOICE_OUTPUT): 'loud' is not auto, speech or tones",
        ),
        (["mock", "--port", "0", "--recordings", __file__], "--recordings: cannot make the folder"),
        (["mock", "--public-url", "ftp://x"], "--public-url (CALLS_PUBLIC_URL): 'ftp://x' is not http, https, ws"),
        (["mock", "--livekit-url", "wss://x"], "belong together"),
        (["mock", "--inspector", "maybe"], "--inspector (CALLS_INSPECTOR): 'maybe' is not on or off"),
        (
            ["mock", "--control-token", "short"],
            "--control-token (CALLS_CONTROL_TOKEN): what came (not shown) is not 16",
        ),
        (["mock", "--host", "256.0.0.1", "--port", "0"], "cannot listen on 256.0.0.1:0"),
        (["mok"], "there is no command 'mok'; there is mock"),
    ],
    ids=lambda value: " ".join(value).replace(SECRET, "SECRET") if isinstance(value, list) else "",
)
def test_a_mistake_is_one_clear_line_and_exit_code_2(arguments: list[str], complaint: str) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert complaint in result.stderr
    assert result.stderr.count("\n") == 1
    assert SECRET not in result.stderr


def test_speech_without_its_extra_is_one_clear_line_and_exit_code_2() -> None:
    script = "import sys; sys.modules['espeakng_loader'] = None; import calls.mock; sys.exit(calls.mock.main({}))"
    command = [sys.executable, "-c", script.format(["--port", "0", "--voice-output", "speech"])]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment())
    assert result.returncode == 2
    assert result.stderr == f"calls mock: --voice-output speech: espeak-ng is not installed: {INSTALL}\n"


def test_the_welcome_names_the_page_in_its_second_line() -> None:
    lines = welcome(Settings(), "http://127.0.0.1:1", None, speaks=False).splitlines()
    assert lines[1] == "See what happens, and place calls with the phone in the page: http://127.0.0.1:1/"
    without = welcome(Settings(inspector="off"), "http://127.0.0.1:1", None, speaks=False)
    assert "http://127.0.0.1:1/\n" not in without


@pytest.mark.parametrize(
    ("output", "speaks", "line"),
    [
        ("auto", True, "Voice: spoken words, in the language of the call"),
        ("auto", False, f"Voice: one tone a syllable; to hear words: {INSTALL}"),
        ("tones", False, "Voice: one tone a syllable"),
    ],
)
def test_the_welcome_says_how_agents_sound(output: str, speaks: bool, line: str) -> None:
    assert line in welcome(Settings(voice_output=output), "http://127.0.0.1:1", None, speaks=speaks).splitlines()


def test_an_option_comes_from_the_environment_as_well() -> None:
    assert "CALLS_PORT): 'x' is not" in run("mock", CALLS_PORT="x").stderr


def test_help_names_every_option_and_its_variable() -> None:
    help_text = run("mock", "--help").stdout
    from mockserver.settings import options

    for _, option in options():
        assert option.flag in help_text
        assert f"[{option.env}]" in help_text.replace("\n", " ").replace("  ", "")
    assert "examples:" in help_text


def test_without_a_command_the_commands_are_told() -> None:
    result = run()
    assert result.returncode == 0
    assert "mock" in result.stdout
    assert re.fullmatch(r"calls \d+\.\d+\.\d+\n", run("--version").stdout)


@pytest.mark.parametrize(
    ("name", "before", "after", "complaint"),
    [
        ("openapi/calls.yaml", "openapi:", "openapi: [", r"openapi/calls\.yaml:\d+: not YAML"),
        ("openapi/calls.yaml", "paths:", "pahts:", r"openapi/calls\.yaml"),
        ("asyncapi/twilio.yaml", "x-event: Audio", "x-event: Noise", r"message \w+: x-event 'Noise' is not one of"),
        ("asyncapi/plivo.yaml", "begins: start", "begins: never", r"plivo: x-stream must say begins"),
    ],
)
def test_a_broken_document_is_one_clear_line_and_exit_code_2(
    tmp_path: Path, name: str, before: str, after: str, complaint: str
) -> None:
    for folder in ("calls", "contract", "mockserver", "openapi", "asyncapi"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    document = tmp_path / name
    text = document.read_text()
    assert before in text
    document.write_text(text.replace(before, after, 1))
    result = subprocess.run(
        [sys.executable, "-m", "calls", "mock", "--port", "0"],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(tmp_path)),
    )
    assert result.returncode == 2, result.stdout + result.stderr
    assert re.search(complaint, result.stderr)
    assert result.stderr.count("\n") == 1


def test_the_wheel_carries_the_documents_and_starts_from_an_empty_environment(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT], check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True, timeout=120)
    python = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    subprocess.run([python, *pip[1:], "install", "--no-compile", wheel], check=True, timeout=300)
    script = ["-c", "import contract; print(contract.__file__)"]
    found = subprocess.run([python, *script], capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert str(tmp_path) in found
    script = ["-c", "from contract.overlays import http_contract as read; print(read(['webrtc-on-create']).name)"]
    found = subprocess.run([python, *script], capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert found == "openapi/calls.yaml with the overlay webrtc-on-create (4 actions)\n"
    process = subprocess.Popen(
        [python.with_name("calls"), "mock", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        base_url = process.stdout.readline().split(" on ")[1].split()[0]
        assert httpx.get(f"{base_url}/openapi.yaml").text == (ROOT / "openapi" / "calls.yaml").read_text()
        for path in ("/", "/docs", "/__mock__/page/inspector.js", "/__mock__/vendor/rapidoc-LICENSE.txt"):
            assert httpx.get(base_url + path).status_code == 200
        created = httpx.post(f"{base_url}/calls/create", json={"agentId": "agent_demo"}, headers=VALID_KEY)
        with connect(created.json()["websocketUrl"]):
            pass
    finally:
        process.kill()
        process.communicate()
