"""`calls mock`: starts the mock server and tells a newcomer what to do with it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from calls.arguments import Parser
from calls.scenario_table import SHAPES
from calls.welcome import ready_line, welcome
from mockserver.option import Option, SettingsError
from mockserver.settings import Settings, options

SCENARIO_GROUP = "what goes wrong on purpose"

GROUPS = {
    "server": ("host", "port", "public_url", "url_ttl_s", "max_body_bytes", "max_calls", "overlays", "reload"),
    "browsers and TLS": ("cors_origins", "tls_cert", "tls_key", "tls"),
    "keys and agents": ("api_keys", "any_key", "agents", "any_agent", "rate_limit_per_hour"),
    "inspector": ("inspector", "control_token"),
    "what the agent does": ("behaviour", "voice_output", "recordings", "time_scale"),
    SCENARIO_GROUP: (
        *("scenario", "scenario_file", "latency_ms", "first_audio_delay_ms", "jitter_ms", "frame_loss"),
        *("seed", "clock"),
    ),
    "webrtc": ("max_webrtc_calls", "webrtc_addresses", "livekit_url", "livekit_key", "livekit_secret"),
}
"""The options as `--help` shows them, by their names in Settings."""

EPILOG = """\
Each option can also come from the environment, as the name in brackets; keys and secrets belong there. An option that
may be repeated takes a comma separated list there.

examples:
  calls mock                                          on http://127.0.0.1:8080, with an agent that repeats what you say
  calls mock --public-url https://abc.tunnel.example  reachable through a tunnel: URLs come back as wss://abc.tunnel...
  CALLS_API_KEYS=ck_prod_... calls mock --any-agent   with your own key, and every agent
  calls mock --behaviour script=menu.yaml             with an agent that follows a script (docs/scripts.md)
  calls mock --tls self-signed                        on https://127.0.0.1:8080; URLs come back as wss://127.0.0.1:8080...
  calls mock --overlay webrtc-on-create                with webrtc on /calls/create too, as @omnia-voice/sdk asks
  calls mock --time-scale 10                          maxDuration and inactivityTimeout pass ten times faster
"""


def main(argv: Sequence[str]) -> int:
    """Serve until SIGINT or SIGTERM.  Returns 0 after an orderly end, 2 for what cannot be started."""
    parser = _parser()
    given = vars(parser.parse_args(argv))
    if shape := given.pop("list_scenarios"):
        print(SHAPES[shape](), end="")
        return 0
    as_json = given.pop("json")
    try:
        settings = Settings.from_environment(**given)
    except SettingsError as error:
        parser.error(str(error))
    # Imported late, so that --help and a mistyped option do not wait for the server's frameworks.
    from calls.logs import log_to
    from contract.errors import DocumentError
    from mockserver.server import PortError, Server

    log_to(sys.stderr)
    try:
        server = Server(settings)
        # A token that was given is known to whoever gave it.
        token = None if settings.control_token else server.mock.control_token
        told = partial(
            ready_line if as_json else partial(welcome, speaks=server.mock.speaks), overlays=server.mock.overlays
        )
        server.on_ready = lambda base_url: print(told(settings, base_url, token), flush=True)
        server.serve_until_stopped()
    except (DocumentError, PortError, SettingsError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="calls mock",
        description=(
            "Serves the Calls API: POST /calls/create and /calls/inline answer as the contract says, and the\n"
            "websocketUrl that comes back can be dialled by Twilio, Telnyx, Plivo or a custom client, which\n"
            "hears an agent and is heard."
        ),
        epilog=EPILOG,
    )
    json_help = (
        "when ready, print one line of JSON (baseUrl, apiKey, controlUrl, controlToken, overlays) and not the welcome"
    )
    parser.add_argument("--json", action="store_true", help=json_help)
    by_name = dict(options())
    for title, names in GROUPS.items():
        group = parser.add_argument_group(title)
        if title == SCENARIO_GROUP:
            group.add_argument(
                "--list-scenarios",
                nargs="?",
                const="text",
                choices=list(SHAPES),
                help="list the scenarios and their agent ids, and end",
            )
        for name in names:
            option = by_name.pop(name)
            group.add_argument(option.flag, dest=name, help=_help(name, option), **_shape(option))
    if by_name:
        raise AssertionError(f"options without a group: {', '.join(by_name)}")
    return parser


def _shape(option: Option) -> dict[str, Any]:
    if option.metavar is None:
        return {"action": "store_true", "default": None}
    return {"metavar": option.metavar, "action": "append" if option.repeated else "store", "default": None}


def _help(name: str, option: Option) -> str:
    default = getattr(Settings, name)
    plain = default if isinstance(default, str | int) else f"{default:g}" if isinstance(default, float) else None
    shown = f"; default {plain}" if plain else ""
    repeat = "; may be repeated" if option.repeated else ""
    return f"{option.help}{repeat}{shown} [{option.env}]".replace("%", "%%")
