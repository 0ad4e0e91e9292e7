"""The way in: finds the command and leaves the rest to it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from calls.arguments import Parser, version

COMMANDS = {"mock": "start the mock server: create calls over HTTP, dial the URLs that come back, and talk"}
"""Every command, and what it does; the module of the same name has its `main`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.  Returns the exit code: 0 for success, 2 for what was asked wrongly."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in COMMANDS:
        code: int = importlib.import_module(f"calls.{arguments[0]}").main(arguments[1:])
        return code
    commands = "\n".join(f"  {name:8}{what}" for name, what in COMMANDS.items())
    parser = Parser(
        prog="calls",
        usage="calls COMMAND [OPTION...]",
        description="The Calls voice API: its contract, and tools that keep to it.",
        epilog=f"commands:\n{commands}\n\n`calls COMMAND --help` tells what a command can do.",
    )
    parser.add_argument("--version", action="version", version=f"calls {version()}")
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="what to do; see below")
    given = parser.parse_args(arguments[:1])
    if given.command is not None:
        parser.error(f"there is no command {given.command!r}; there is {', '.join(COMMANDS)}")
    parser.print_help()
    return 0


if __name__ == "__main__":
    sys.exit(main())
