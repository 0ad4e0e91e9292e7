"""The programs of docs/webrtc.md: taken out of the page, built for a browser and served, and heard there."""

from __future__ import annotations

import functools
import http.server
import io
import os
import re
import subprocess
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tests.clients.browser_example import TONE_HZ
from tests.clients.conftest import ROOT

PAGE = ROOT / "docs" / "webrtc.md"

MOCK_URL = "http://127.0.0.1:8080"
"""Where the mock is in the page's programs."""

HEAR_THE_AGENT = """
window.heardHz = [];
const listen = (track) => {
  const context = new AudioContext();
  const ear = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
  context.createMediaStreamSource(new MediaStream([track])).connect(ear);
  const levels = new Float32Array(ear.frequencyBinCount);
  setInterval(() => {
    ear.getFloatFrequencyData(levels);
    const most = Math.max(...levels);
    if (most > -50) heardHz.push(levels.indexOf(most) * context.sampleRate / ear.fftSize);
  }, 50);
};
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) {
    super(...given);
    this.addEventListener("track", ({ track }) => { if (track.kind === "audio") listen(track); });
  }
};
"""
"""Before the page's own scripts: `heardHz` takes down the loudest tone of what comes from the room, all 50 ms."""

SECONDS = 60
"""The longest that the bundler may take: far above what it needs, so that nothing hangs."""


def programs(language: str) -> list[str]:
    """The programs in a language that docs/webrtc.md shows, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def build(program: str, folder: Path, mock_url: str) -> None:
    """Bundle a program for a mock, with a page around it that has a button, as a browser loads it.

    What it declares as `session` is the page's too, for a test to lead it.
    """
    folder.mkdir()
    source = folder / "source.mjs"
    source.write_text(program.replace(MOCK_URL, mock_url) + "window.session = session;\n", "utf-8")
    command = (ROOT / "node_modules" / ".bin" / "esbuild", source, "--bundle", "--format=esm", "--log-level=warning")
    done = subprocess.run(
        (*command, f"--outfile={folder / 'page.js'}"),
        env=os.environ | {"NODE_PATH": str(ROOT / "node_modules")},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    (folder / "index.html").write_text(
        "<!doctype html><meta charset=utf-8><title>An app</title><link rel=icon href=data:,>"
        "<button>Call</button><script type=module src=page.js></script>",
        "utf-8",
    )


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve what is in a folder, on an origin of its own; gives its URL."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def heard_tone_ms(wav: bytes) -> int:
    """For how long the tone is the loudest that is heard in a mono WAV file, in pieces of 20 milliseconds."""
    with wave.open(io.BytesIO(wav), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        rate_hz = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    size = rate_hz // 50
    pieces = samples[: len(samples) // size * size].reshape(-1, size)
    loudest_hz = np.abs(np.fft.rfft(pieces * np.hanning(size))).argmax(axis=1) * 50
    loud = np.sqrt((pieces**2).mean(axis=1)) > 300
    return 20 * int((loud & (np.abs(loudest_hz - TONE_HZ) <= 50)).sum())
