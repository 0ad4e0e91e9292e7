"""Gets peers from npm into a folder of the benchmark's own, never into the project's `package.json`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

WITHIN_S = 300


class NotInstalled(Exception):
    """A peer cannot be had here; the text says why, in words that may be published."""


def from_npm(folder: Path, package: str, version: str) -> Path:
    """The folder of a package in just this version, installed with what it needs if it is not there yet.

    npm's own configuration says where from.  What packages would run at install time is not run.  Raises NotInstalled.
    """
    installed = folder / "node_modules" / package
    if installed_version(installed) == version:
        return installed
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalled("npm is missing")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n')
    print(f"installing {package} {version}", flush=True)
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", f"{package}@{version}"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=WITHIN_S)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"npm took longer than {WITHIN_S} s") from None
    if done.returncode or installed_version(installed) != version:
        raise NotInstalled(npm_reason(done.stderr))
    return installed


def installed_version(folder: Path) -> str | None:
    """The version that a package's folder says it is; None if there is none."""
    try:
        version = json.loads((folder / "package.json").read_text())["version"]
    except (OSError, ValueError, KeyError):
        return None
    return str(version)


def npm_reason(stderr: str) -> str:
    """What npm's error output boils down to: its code, which names neither hosts nor paths."""
    code = re.search(r"^npm (?:ERR!|error) code (\w+)", stderr, re.MULTILINE)
    return f"npm could not install it ({code[1]})" if code else "npm could not install it"


def program(name: str) -> str:
    """The path of a program of the machine.  Raises NotInstalled."""
    found = shutil.which(name)
    if found is None:
        raise NotInstalled(f"{name} is missing")
    return found
