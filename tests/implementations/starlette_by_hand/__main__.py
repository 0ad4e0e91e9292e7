"""Serve the API on 127.0.0.1 until SIGTERM. Prints one line, `ready <address>`, when it answers."""

from __future__ import annotations

import argparse
import logging
import socket

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .web import Config, Service

HOST = "127.0.0.1"


class HttpProtocol(H11Protocol):
    """HTTP that takes only a GET for a WebSocket handshake; others are requests like any, as RFC 9110 has it."""

    def _should_upgrade(self) -> bool:
        return self.scope["method"] == "GET" and super()._should_upgrade()


class AnnouncedServer(uvicorn.Server):
    """Says on standard output when it answers."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup(sockets)
        print(f"ready {self._address}", flush=True)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="starlette_by_hand", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--api-key", action="append", default=[], help="a key that may do everything")
    parser.add_argument("--unfunded-key", action="append", default=[], help="a key without balance: 402")
    parser.add_argument("--limited-key", action="append", default=[], help="a key with three requests an hour")
    parser.add_argument("--agent", action="append", default=[], help="the id of a saved agent")
    parser.add_argument("--time-scale", type=float, default=1.0, help="divides maxDuration and inactivityTimeout")
    parser.add_argument("--url-ttl", type=float, default=60.0, help="seconds from creation to dial")
    parser.add_argument("--rate-limit", type=int, default=1000, help="requests an hour for a key, 0 for no limit")
    options = parser.parse_args()
    # The protocol is spelt out, else asyncio leaves Nagle's algorithm on.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, options.port))
        port = listener.getsockname()[1]
        service = Service(
            Config(
                base_url=f"ws://{HOST}:{port}",
                api_keys=tuple(options.api_key),
                unfunded_keys=tuple(options.unfunded_key),
                limited_keys=tuple(options.limited_key),
                agents=tuple(options.agent),
                time_scale=options.time_scale,
                url_ttl=options.url_ttl,
                rate_limit=options.rate_limit,
            )
        )
        config = uvicorn.Config(
            service.app(),
            loop="asyncio",
            http=HttpProtocol,
            ws="websockets-sansio",
            lifespan="off",
            log_level="error",  # Anything more would write dialled URLs to the log.
            access_log=False,
            server_header=False,
            ws_per_message_deflate=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        # uvicorn takes a refusal before the upgrade for a slip, and says so each time.
        logging.getLogger("uvicorn.error").addFilter(lambda record: "completing handshake" not in record.getMessage())
        AnnouncedServer(config, f"http://{HOST}:{port}").run([listener])


if __name__ == "__main__":
    main()
