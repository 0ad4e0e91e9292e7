"""From the start of `calls mock` to its first answer, against an empty application on uvicorn, started in turn.

Prints seconds (median of the rounds) and the ratio.  Target on a quiet machine: the mock answers within one second.

    python -m benchmarks.startup [ROUNDS]
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
import urllib.request

from benchmarks import side_by_side

EMPTY = """
import sys, uvicorn
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
uvicorn.run(app, port=int(sys.argv[1]), lifespan="off", log_level="error")
"""


def main(rounds: int) -> None:
    times = [(answered_after_s("-m", "calls", "mock", "--port"), answered_after_s("-c", EMPTY)) for _ in range(rounds)]
    mock_s, empty_s = (statistics.median(each) for each in zip(*times, strict=True))
    ratio = statistics.median(mock / empty for mock, empty in times)
    print(f"first answer: {mock_s:.2f} s, empty uvicorn {empty_s:.2f} s, ratio {ratio:.2f}")


def answered_after_s(*command: str) -> float:
    """Start a server, whose last argument is its port, and end it again once it has answered."""
    port = free_port()
    started_at = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while time.perf_counter() - started_at < 30:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
                return time.perf_counter() - started_at
            except OSError:
                time.sleep(0.005)
        raise TimeoutError(f"no answer from {command}")
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    main(side_by_side.rounds(default=7))
