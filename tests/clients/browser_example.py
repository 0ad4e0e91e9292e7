"""The example in examples/browser: built as its README says, served, and a call on it seen through a browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, WebSocket

from tests.clients.conftest import ROOT, NodePackage

RATE_HZ = 16_000
FRAME_BYTES = 640
TONE_HZ = 1700.0
"""What the fake microphone hears: higher than any tone in the mock's voice."""

QUIET_S, TONE_S, PAUSE_S = 0.4, 0.8, 4.0
SECONDS = 120
"""The longest that the compiler may take: far above what it needs, so that nothing hangs."""

HEAR_WHAT_IS_PLAYED = """
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (to === this.context.destination) {
    const ear = new AnalyserNode(this.context, { fftSize: 8192, smoothingTimeConstant: 0 });
    connect.call(this, ear);
    const levels = new Float32Array(ear.frequencyBinCount);
    window.loudestHz = () => {
      ear.getFloatFrequencyData(levels);
      const most = Math.max(...levels);
      return most > -40 ? levels.indexOf(most) * this.context.sampleRate / ear.fftSize : 0;
    };
  }
  return connect.call(this, to, ...rest);
};
"""
"""Before the page's own scripts: `loudestHz()` tells the loudest tone of the last half second at the loudspeaker."""


def build(folder: Path, node_with: NodePackage) -> Path:
    """Compile a copy of the example in a folder; gives its program."""
    node = node_with("typescript")
    shutil.copytree(ROOT / "clients" / "typescript", folder / "clients" / "typescript")
    example = folder / "examples" / "browser"
    shutil.copytree(ROOT / "examples" / "browser", example, ignore=shutil.ignore_patterns("build"))
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    command = (node, folder / "node_modules" / "typescript" / "bin" / "tsc", "--project", example)
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return example / "build" / "server.js"


@contextmanager
def serving(program: Path, log: Path, **environment: str) -> Iterator[str]:
    """Run the example's backend on a free port, which writes its complaints into a file; gives its URL."""
    with log.open("w", encoding="utf-8") as stderr:
        server = subprocess.Popen(
            ("node", program),
            env=os.environ | {"PORT": "0"} | environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    assert server.stdout
    try:
        url = server.stdout.readline().strip()
        assert url, log.read_text("utf-8")
        yield url
    finally:
        server.terminate()
        server.stdout.close()
        server.wait(10)


def write_tone(path: Path, pause_s: float = PAUSE_S) -> None:
    """Write what the fake microphone hears, over and over: a tone between pauses."""
    times_s = np.arange(int(TONE_S * RATE_HZ)) / RATE_HZ
    tone = 16_000 * np.sin(2 * np.pi * TONE_HZ * times_s)
    samples = np.pad(tone, (int(QUIET_S * RATE_HZ), int(pause_s * RATE_HZ)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())


@dataclass
class Line:
    """What went over a page's sockets.

    Attributes:
        spoken: the binary frames that the page sent.
        heard: the binary frames that it received.
        messages: the texts that it sent.
    """

    spoken: list[bytes] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Take down all that follows."""
        page.on("websocket", self._on_socket)

    def _on_socket(self, socket: WebSocket) -> None:
        socket.on("framesent", self._on_sent)
        socket.on("framereceived", self._on_received)

    def _on_sent(self, payload: bytes | str) -> None:
        if isinstance(payload, str):
            self.messages.append(payload)
        else:
            self.spoken.append(payload)

    def _on_received(self, payload: bytes | str) -> None:
        if isinstance(payload, bytes):
            self.heard.append(payload)


def tone_ms(frames: list[bytes]) -> int:
    """For how many milliseconds of this audio, looked at in pieces of 20, the tone is the loudest that is heard."""
    samples = np.frombuffer(b"".join(frames), "<i2").astype(float)
    pieces = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    spectrum = np.abs(np.fft.rfft(pieces * np.hanning(320)))
    loudest_hz = spectrum.argmax(axis=1) * RATE_HZ / 320
    loud = np.sqrt((pieces**2).mean(axis=1)) > 1000
    return 20 * int((loud & (np.abs(loudest_hz - TONE_HZ) <= 50)).sum())
