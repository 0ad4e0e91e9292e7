"""Every server that the HTTP benchmark holds against each other: what it does for a call, and how it is started."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers import wiremock_stubs
from benchmarks.peers.installing import NotInstalled, from_npm, program
from contract import documents

ROOT = Path(__file__).resolve().parents[2]

OURS = "calls mock"
"""The name of the one that the others are compared with."""

PRISM = ("@stoplight/prism-cli", "5.14.2")
MOCKOON = ("@mockoon/cli", "9.9.0")
WIREMOCK = ("wiremock", "3.13.2")
"""npm packages; the last one holds WireMock's standalone jar of the same version."""

_JIT_WARM_UP_S = 6.0
"""For compilers at run time: with less, the first operation that is measured costs up to twice as much as the next."""

_KEY_CHECK = {"APIKEYINFO_FUNC": "benchmarks.peers.api_key.check"}


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How a server that is ready to be started is started.

    Attributes:
        command: the command line, for a port.
        folder: where it runs.
        environment: variables beside the benchmark's own.
    """

    command: Callable[[int], list[str]]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def variables(self) -> dict[str, str]:
        """All variables: this checkout's packages are found from whatever folder, and no option of the mock is set."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("CALLS_")}
        return {**own, "PYTHONPATH": str(ROOT), **self.environment}


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server.

    Attributes:
        key: what a command line calls it.
        name: what reports call it.
        does: what it does for a call, beside answering.
        prepare: installs and writes what it needs into a folder of the benchmark's own.  Raises NotInstalled.
        base_path: what goes before `/calls/create`.
        warm_up_s: how long it gets requests before it is measured for the first time.
        version: what it is a version of, where that is not one of Python's packages.
    """

    key: str
    name: str
    does: str
    prepare: Callable[[Path], Launch]
    base_path: str = "/api/v1"
    warm_up_s: float = 0.5
    version: str = ""


def _mock(build: Path) -> Launch:
    return Launch(
        command=lambda port: [
            *(sys.executable, "-m", "calls", "mock", "--port", str(port)),
            *("--rate-limit", "1000000000", "--voice-output", "tones", "--inspector", "off"),
        ],
        folder=_own(build, "calls"),
    )


def _on_uvicorn(module: str) -> Callable[[Path], Launch]:
    return lambda build: Launch(
        command=lambda port: [
            *(sys.executable, "-W", "ignore", "-m", "uvicorn", "--loop", "uvloop", "--http", "httptools"),
            *("--lifespan", "off", "--no-access-log", "--log-level", "warning", "--port", str(port)),
            f"benchmarks.peers.{module}:app",
        ],
        folder=_own(build, module),
        environment=_KEY_CHECK,
    )


def _connexion_mock(build: Path) -> Launch:
    folder = _own(build, "connexion")
    return Launch(
        command=lambda port: [
            *(sys.executable, "-W", "ignore", "-m", "connexion", "run", "--mock=all", "-f", "async"),
            *("-H", "127.0.0.1", "-p", str(port), _document(folder)),
        ],
        folder=folder,
        environment=_KEY_CHECK,
    )


def _prism(*options: str) -> Callable[[Path], Launch]:
    def prepare(build: Path) -> Launch:
        folder = _own(build, "prism")
        script = from_npm(folder, *PRISM) / "dist" / "index.js"
        return Launch(
            command=lambda port: [
                *(program("node"), str(script), "mock", "-h", "127.0.0.1", "-p", str(port)),
                *(*options, _document(folder)),
            ],
            folder=folder,
        )

    return prepare


def _mockoon(build: Path) -> Launch:
    folder = _own(build, "mockoon")
    script = from_npm(folder, *MOCKOON) / "bin" / "run.js"
    return Launch(
        command=lambda port: [
            *(program("node"), str(script), "start", "-X", "-l", "127.0.0.1", "-p", str(port)),
            *("-d", _document(folder)),
        ],
        folder=folder,
        # It writes logs to its user's home.
        environment={"HOME": str(folder)},
    )


def _wiremock(build: Path) -> Launch:
    java, folder = program("java"), _own(build, "wiremock")
    jar = from_npm(folder, *WIREMOCK) / "build" / f"wiremock-standalone-{WIREMOCK[1]}.jar"
    if not jar.is_file():
        raise NotInstalled("the npm package holds no jar")
    wiremock_stubs.write(folder)
    return Launch(
        command=lambda port: [
            *(java, "-jar", str(jar), "--bind-address", "127.0.0.1", "--port", str(port)),
            *("--root-dir", str(folder), "--no-request-journal", "--disable-banner"),
        ],
        folder=folder,
    )


SERVERS = (
    Server(
        key="calls",
        name=OURS,
        does="key, rate limit, strict body, defaults, answer validated, a URL that can be dialled, a log line",
        prepare=_mock,
    ),
    Server(
        key="starlette",
        name="Starlette by hand",
        does="the same by hand, but for the log line and the dial",
        prepare=_on_uvicorn("starlette_raw"),
    ),
    Server(
        key="empty",
        name="empty ASGI application",
        does="nothing: what uvicorn costs",
        prepare=_on_uvicorn("asgi_empty"),
    ),
    Server(
        key="connexion",
        name="connexion, plain",
        does="key, body and answer validated, random ids",
        prepare=_on_uvicorn("connexion_plain"),
    ),
    Server(
        key="connexion-mock",
        name="connexion --mock=all",
        does="key, body validated, the document's example, a log line, files watched",
        prepare=_connexion_mock,
    ),
    Server(
        key="prism-silent",
        name="Prism, silent",
        does="key is there, body validated, the document's example",
        prepare=_prism("-v", "silent"),
        base_path="",
        warm_up_s=_JIT_WARM_UP_S,
        version="Prism " + PRISM[1],
    ),
    Server(
        key="prism",
        name="Prism",
        does="key is there, body validated, the document's example, log lines",
        prepare=_prism(),
        base_path="",
        warm_up_s=_JIT_WARM_UP_S,
        version="Prism " + PRISM[1],
    ),
    Server(
        key="mockoon",
        name="Mockoon",
        does="the document's example; neither key nor body looked at",
        prepare=_mockoon,
        warm_up_s=_JIT_WARM_UP_S,
        version="Mockoon CLI " + MOCKOON[1],
    ),
    Server(
        key="wiremock",
        name="WireMock",
        does="hand-written stubs: key, body validated, random ids",
        prepare=_wiremock,
        base_path="",
        warm_up_s=_JIT_WARM_UP_S,
        version="WireMock " + WIREMOCK[1],
    ),
)


def _own(build: Path, name: str) -> Path:
    folder = build / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _document(folder: Path) -> str:
    """A copy of the document in the peer's own folder: some watch all of the folder that it is in."""
    copy = folder / "calls.yaml"
    copy.write_bytes(documents.openapi_text())
    return str(copy)
