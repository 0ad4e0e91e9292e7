"""The way in: finds the command and leaves the rest to it."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from calls.arguments import Parser, ShowVersion

COMMANDS = {
    "mock": "start the mock server: create calls over HTTP, dial the URLs that come back, and talk",
    "verify": "hold an implementation to the contract, and report what breaks it",
    "list": "list everything that `calls verify` asks of an implementation",
    "explain": "explain one requirement: where it stands, how it is tested, why, and how to mend a violation",
    "report": "join the reports of several runs into one",
    "dial": "dial a websocketUrl as a carrier or a client would",
    "demo": "judge the mock, and a twin of it that misbehaves, to see what a verdict looks like",
}
"""Every command, and what it does; the module of the same name has its `main`."""

BROKEN_PIPE = 141
"""The exit code where the output was not read to its end: 128 and the signal's number."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.  Returns the exit code: 0 for success, 2 for what was asked wrongly."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in COMMANDS:
        return _run(arguments[0], arguments[1:])
    commands = "\n".join(f"  {name:8}{what}" for name, what in COMMANDS.items())
    parser = Parser(
        prog="calls",
        usage="calls COMMAND [OPTION...]",
        description="The Calls voice API: its contract, and tools that keep to it.",
        epilog=f"commands:\n{commands}\n\n`calls COMMAND --help` tells what a command can do.",
    )
    parser.add_argument("--version", action=ShowVersion, nargs=0, help="show the version and end")
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="what to do; see below")
    given = parser.parse_args(arguments[:1])
    if given.command is not None:
        parser.error(f"there is no command {given.command!r}; there is {', '.join(COMMANDS)}")
    parser.print_help()
    return 0


def _run(command: str, arguments: Sequence[str]) -> int:
    try:
        code: int = importlib.import_module(f"calls.{command}").main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has had enough: `calls list | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code


if __name__ == "__main__":
    sys.exit(main())
