"""Serves a mock on a port with uvicorn, and lets go of it in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from contract.errors import DocumentError
from mockserver.app import Mock, build
from mockserver.connection import Doorway
from mockserver.reloading import reload_on_change
from mockserver.settings import Settings
from mockserver.tls import tls_context

HANG_UP_WITHIN_S = 1.5
"""How long callers may take to answer the close when the server goes down, in seconds."""

DRAIN_WITHIN_S = 2
"""How long requests may take to finish after that, in seconds."""

BACKLOG = 2048
"""How many connections may wait to be accepted: uvicorn's own number."""


class PortError(OSError):
    """The address cannot be listened on; the text says which and why."""


class Server(uvicorn.Server):
    """One mock on one port.

    Args:
        settings: the options.
        on_ready: called with the base URL as soon as requests are answered.

    Raises DocumentError, SettingsError and PortError.  `run` returns when the process is told to end (SIGINT, SIGTERM),
    or `stop` was called.
    """

    def __init__(self, settings: Settings, on_ready: Callable[[str], None] = lambda base_url: None) -> None:
        tls = tls_context(settings)
        self.listener = listen(settings.host, settings.port)
        try:
            self.base_url = settings.base_url(self.listener.getsockname()[1])
            self.mock: Mock = build(settings, self.base_url)
        except BaseException:
            self.listener.close()
            raise
        self._fault: DocumentError | None = None
        self._reloading: asyncio.Task[None] | None = None
        self.settings = settings
        self.on_ready = on_ready
        # What uvicorn says of single connections may hold dial URLs.
        logging.getLogger("uvicorn").setLevel(logging.ERROR)
        super().__init__(
            uvicorn.Config(
                self.mock.app,
                # A call of it makes a connection, which is all that is asked of it.
                http=partial(  # type: ignore[arg-type]
                    Doorway, self.mock.switchboard, settings.max_body_bytes, self.mock.origins, self.mock.rooms
                ),
                ws="none",
                ssl_context_factory=(lambda config, default: tls) if tls else None,
                # Nothing here asks for the client's address.
                proxy_headers=False,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=DRAIN_WITHIN_S,
            )
        )

    def serve_until_stopped(self) -> None:
        """Serve, and return when the server was told to end and has let go of everything.

        Raises DocumentError for a fault in an AsyncAPI document, soon after the start.
        """
        self.run(sockets=[self.listener])
        if self._fault is not None:
            raise self._fault

    def _prepare(self) -> None:
        """Load what dials need; who cannot answer any does not go on."""
        try:
            self.mock.prepare()
        except DocumentError as error:
            self._fault = error
            self.stop()

    def stop(self) -> None:
        """Tell the server to end; may be called from another thread."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.on_ready(self.base_url)
        threading.Thread(target=self._prepare, name="prepare", daemon=True).start()
        if self.settings.reload:
            self._reloading = asyncio.create_task(reload_on_change(self.settings, self.mock.reload))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Hang up on every caller (1001), then let go of the port."""
        if self._reloading is not None:
            self._reloading.cancel()
        self.mock.end_waits()
        self.mock.switchboard.close_all()
        patience = HANG_UP_WITHIN_S
        while len(self.mock.switchboard) and patience > 0 and not self.force_exit:
            await asyncio.sleep(0.02)
            patience -= 0.02
        self.mock.switchboard.drop_all()
        await super().shutdown(sockets)
        if self.mock.rooms.made is not None:
            await self.mock.rooms.made.closed()
        self.mock.close()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that end a process; after an orderly end they count as served, unlike uvicorn's own way."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[int, Any] = {each: signal.signal(each, self.handle_exit) for each in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on an address.  Raises PortError."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        # Python adds to the reason what the message says already.
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise PortError(f"cannot listen on {host}:{port}: {reason.lower()}") from error
