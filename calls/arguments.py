"""How the commands read their arguments: as argparse does, with errors of one line."""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one clear line and exit code 2, and which takes no abbreviated options."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def parse_args(self, arguments: Any = None, namespace: Any = None) -> Any:
        """As argparse, but what is unknown is named without its value, which may be a mistyped option's secret."""
        given, unknown = self.parse_known_args(arguments, namespace)
        if unknown:
            options = [word.partition("=")[0] for word in unknown if word.startswith("-")]
            self.error(f"there is no option {', '.join(options)}" if options else "more arguments than expected")
        return given

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how to learn more, and leave."""
        print(f"{self.prog}: {message} (see `{self.prog} --help`)", file=sys.stderr)
        sys.exit(2)


class ShowVersion(argparse.Action):
    """`--version`: prints the version, which is looked up only then, and leaves."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        """Print it."""
        print(f"{parser.prog} {version()}")
        parser.exit()


def version() -> str:
    """The version that is installed."""
    # It takes as long to import as all else that --help needs.
    import importlib.metadata

    return importlib.metadata.version("calls-contract")
