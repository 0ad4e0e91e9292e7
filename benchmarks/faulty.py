"""Serves the mock with one fault of tests/faults, or with none, and prints its address; in a process of its own.

python -m benchmarks.faulty [NAME [TIME_SCALE]]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.peers.servers import ROOT
from benchmarks.serving import NotServing, end
from mockserver.server import Server
from mockserver.settings import Settings
from tests.faults import FAULTS

TIME_SCALE = 20.0
URL_TTL_S = 5.0
SETTINGS: dict[str, Any] = {
    "voice_output": "tones",
    "inspector": "off",
    "url_ttl_s": URL_TTL_S,
}
RATE_LIMIT = 100_000
"""High enough for every tool, also where a fault asks for rate headers with a limit of its own."""

STARTS_WITHIN_S = 60.0
_LOOKS_EVERY_S = 0.05


@contextmanager
def faulty_mock(name: str, time_scale: float = TIME_SCALE) -> Iterator[str]:
    """The address of a mock with the fault of this name, or with none if it is empty.  Raises NotServing."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder, "address")
        with said.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.faulty", name, f"{time_scale:g}"],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                # Ctrl-C is for the benchmark, which then ends the mock.
                start_new_session=True,
            )
        try:
            until = time.monotonic() + STARTS_WITHIN_S
            while not (address := said.read_text()).endswith("\n"):
                if process.poll() is not None or time.monotonic() > until:
                    raise NotServing("the mock did not start")
                time.sleep(_LOOKS_EVERY_S)
            yield address.strip()
        finally:
            end(process)


def main(name: str = "", time_scale: str = f"{TIME_SCALE:g}") -> None:
    """Serve until told to end."""
    fault = next((each for each in FAULTS if each.name == name), None)
    if name and fault is None:
        sys.exit(f"there is no fault {name!r}")
    options = SETTINGS | {"time_scale": float(time_scale), "rate_limit_per_hour": RATE_LIMIT}
    options |= dict(fault.settings) if fault else {}
    options["rate_limit_per_hour"] = options["rate_limit_per_hour"] and RATE_LIMIT
    server = Server(Settings.from_environment({}, port=0, **options), on_ready=lambda url: print(url, flush=True))
    if fault:
        fault.apply(server)
    server.serve_until_stopped()


if __name__ == "__main__":
    main(*sys.argv[1:])
