"""What a run ran on, as far as it matters to whoever compares: nothing that names the machine or its owner."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path


def cpu_model(cpuinfo: str) -> str:
    """The processor's name from `/proc/cpuinfo`."""
    found = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return found[1].strip() if found else "unknown processor"


def processor() -> str:
    """This machine's processor, with the number of its cores."""
    return f"{cpu_model(Path('/proc/cpuinfo').read_text())}, {os.cpu_count()} cores"


def system() -> str:
    """The kernel's version, without what its builder calls it."""
    version = re.match(r"[\d.]+\d", platform.release())
    return f"{platform.system()} {version[0] if version else ''}".strip()


def commit(folder: Path) -> str:
    """The git commit of a checkout, with a + if files that it knows were changed since; reports do not count."""
    try:
        known = _output(["git", "rev-parse", "--short=10", "HEAD"], folder)
        changed = _output(["git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs"], folder)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return known + ("+" if changed else "")


def versions(packages: Iterable[str]) -> list[str]:
    """Python, its packages, and Node and Java where they are, each with its version."""
    found = [f"Python {platform.python_version()}"]
    for package in packages:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    for name, option in (("node", "--version"), ("java", "-version")):
        if path := shutil.which(name):
            done = subprocess.run([path, option], capture_output=True, text=True, timeout=30)
            if version := re.search(r"\d+(\.\d+)+", done.stdout + done.stderr):
                found.append(f"{name.capitalize()} {version[0]}")
    return found


def _output(command: list[str], folder: Path) -> str:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
