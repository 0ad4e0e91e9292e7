"""The command line of the voice API on aiohttp."""

import argparse
import asyncio
import signal

from aiohttp import web

from .service import Account, Server, Service, Settings

HOST = "127.0.0.1"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="aiohttp_by_hand", description="A voice API whose URLs answer.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--api-key", action="append", default=[], help="a key that may do everything")
    parser.add_argument("--unfunded-key", action="append", default=[], help="a key without balance: 402")
    parser.add_argument("--limited-key", action="append", default=[], help="a key that is over its limit: 429")
    parser.add_argument("--agent", action="append", default=[], help="the id of a saved agent")
    parser.add_argument("--time-scale", type=float, default=1.0, help="divides maxDuration and inactivityTimeout")
    parser.add_argument("--url-ttl", type=float, default=60.0, help="seconds from creation to dial")
    parser.add_argument("--rate-limit", type=int, default=1000, help="requests an hour for a key, 0 for no limit")
    return parser.parse_args()


async def _serve(options: argparse.Namespace) -> None:
    accounts = {key: Account() for key in options.api_key}
    accounts |= {key: Account(funded=False) for key in options.unfunded_key}
    accounts |= {key: Account(always_limited=True) for key in options.limited_key}
    service = Service(
        Settings(accounts, frozenset(options.agent), options.time_scale, options.url_ttl, options.rate_limit)
    )
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, service.stopping.set)
    runner = web.ServerRunner(Server(service.handle), shutdown_timeout=5.0)
    await runner.setup()
    await web.TCPSite(runner, HOST, options.port).start()
    service.base = f"http://{HOST}:{runner.addresses[0][1]}"
    print(f"ready {service.base}", flush=True)
    await service.stopping.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(_options()))
