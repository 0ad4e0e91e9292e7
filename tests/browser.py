"""Pages in a real browser: Debian's chromium, driven by Playwright, with what a page does that no reader sees."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Error,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)

CHROMIUM = Path("/usr/bin/chromium")

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
)

PATIENCE_MS = 20_000
"""How long something may take to be as it should be, in milliseconds, on a very busy machine."""

Scheme = Literal["light", "dark"]


@contextmanager
def running_chromium(profile: Path, *arguments: str) -> Iterator[BrowserContext]:
    """A browser with a profile of its own; where there is none the test is skipped, in CI it fails.

    `arguments` are further ones of its command line.

    Until it ends, its thread counts as one that runs an event loop: `asyncio.run` is refused there.
    """
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{CHROMIUM} is missing in CI: install Debian's package chromium")
        pytest.skip(f"{CHROMIUM} is not installed: it is Debian's package chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments], timeout=60_000
        )
        try:
            yield context
        finally:
            context.close()


class BrowserPage:
    """One page, watched from before it loads.

    Attributes:
        page: the page.
        requests: every URL that it asked for, in order, also where its policy then refused.
        complaints: what the console calls a warning or an error (a breach of the page's policy is one), what no
            script caught, and every dialog.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", self._on_request)
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        page.on("dialog", self._on_dialog)

    def open(self, address: Path | str, *, width: int = 1280, scheme: Scheme = "light") -> Page:
        """Load a file or a URL in a window of this width in pixels."""
        self.page.set_viewport_size({"width": width, "height": 800})
        self.page.emulate_media(color_scheme=scheme)
        self.page.goto(address.as_uri() if isinstance(address, Path) else address)
        return self.page

    def tab_to(self, wanted: Locator) -> None:
        """Press Tab until this has the focus, as somebody without a mouse does."""
        for _ in range(200):
            self.page.keyboard.press("Tab")
            if wanted.evaluate("element => element === document.activeElement"):
                return
        pytest.fail(f"200 presses of Tab do not lead to {wanted}")

    def sticking_out(self) -> list[str]:
        """What makes the page scroll sideways: the page itself, and each element that ends beyond the window."""
        found: list[str] = self.page.evaluate(_STICKING_OUT)
        return found

    def contrasts(self) -> dict[str, float]:
        """The lowest contrast (WCAG 2.2) of each kind of text that is to be seen, placeholders too.

        A kind is the tag and the classes of the element that holds the text.
        """
        found: dict[str, float] = self.page.evaluate(_CONTRASTS)
        return found

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _on_error(self, error: Error) -> None:
        self.complaints.append(f"not caught: {error.message}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()


_STICKING_OUT = """() => {
  const width = document.documentElement.clientWidth;
  const out = document.documentElement.scrollWidth > width ? ["the page"] : [];
  for (const element of document.body.querySelectorAll("*")) {
    const scrolls = element.parentElement.closest(".scroll");
    const { right, left } = element.getBoundingClientRect();
    if (!scrolls && right > width + 0.5 && left >= 0) out.push(element.outerHTML.slice(0, 80));
  }
  return out;
}"""

_CONTRASTS = """() => {
  const channels = (colour) => {
    const [red, green, blue, alpha = 1] = colour.match(/[\\d.]+/g).map(Number);
    return { rgb: [red, green, blue], alpha };
  };
  const over = (front, back) =>
    front.rgb.map((value, index) => value * front.alpha + back[index] * (1 - front.alpha));
  const ground = (element) => {
    if (!element) return [255, 255, 255];
    const own = channels(getComputedStyle(element).backgroundColor);
    return own.alpha === 1 ? own.rgb : over(own, ground(element.parentElement));
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((value) => value / 255)
      .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const lowest = {};
  const look = (kind, element, colour) => {
    const back = ground(element);
    const [dark, light] = [luminance(back), luminance(over(channels(colour), back))].sort((a, b) => a - b);
    const contrast = (light + 0.05) / (dark + 0.05);
    lowest[kind] = Math.min(lowest[kind] ?? Infinity, contrast);
  };
  for (const element of document.body.querySelectorAll("*")) {
    if (!element.checkVisibility()) continue;
    const kind = [element.localName, ...element.classList].join(".");
    const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (hasText || element.localName === "select") look(kind, element, getComputedStyle(element).color);
    if (element.placeholder) look(`${kind}::placeholder`, element, getComputedStyle(element, "::placeholder").color);
  }
  return lowest;
}"""
