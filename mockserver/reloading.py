"""Watches the documents, the overlays, the script and the scenario file, and has them read again when they change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from contract import documents
from contract.errors import DocumentError
from mockserver.settings import Settings

log = logging.getLogger("calls")

SETTLED_AFTER_MS = 100
"""An editor writes in several steps: what changes within this time is read once."""


def watched(settings: Settings) -> Iterator[Path]:
    """The files that a mock with these options is made from."""
    yield documents.SHIPPED / "openapi" / "calls.yaml"
    yield from map(documents.overlay_path, settings.overlays)
    yield from (documents.SHIPPED / "asyncapi" / f"{kind}.yaml" for kind in documents.connection_types())
    kind, _, script = settings.behaviour.partition("=")
    if kind == "script":
        yield Path(script).absolute()
    if settings.scenario_file is not None:
        yield Path(settings.scenario_file).absolute()


async def reload_on_change(settings: Settings, reload: Callable[[], None]) -> None:
    """Reload whenever a file changes, until this is cancelled.

    What cannot be read is told in the log, and the last good version goes on.  `reload` runs in a thread: calls in
    progress are kept on time.
    """
    # Asked for by an option alone, so nobody else waits for it at the start.
    from watchfiles import awatch

    # It tells of each change, with words of its own.
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    files = {str(path) for path in watched(settings)}
    # Many editors put a new file in the old one's place: only who watches the folder sees that.
    folders = {str(Path(file).parent) for file in files}
    changes = awatch(*folders, watch_filter=lambda change, path: path in files, step=SETTLED_AFTER_MS, recursive=False)
    async for changed in changes:
        names = ", ".join(sorted({Path(path).name for _, path in changed}))
        try:
            await asyncio.to_thread(reload)
        except DocumentError as error:
            log.error("%s changed, and the last good version goes on: %s", names, error)
        except Exception:
            log.exception("%s changed, and the last good version goes on", names)
        else:
            log.warning("%s changed: read again; calls in progress go on as they began", names)
