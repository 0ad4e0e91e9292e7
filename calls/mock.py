"""`calls mock`: starts the mock server and tells a newcomer what to do with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from calls.arguments import Parser, version
from mockserver.scenarios import SCENARIOS, Scenario
from mockserver.settings import DEMO_AGENT, MOCK_KEYS, Option, Settings, SettingsError, options

SCENARIO_GROUP = "what goes wrong on purpose"

GROUPS = {
    "server": ("host", "port", "public_url", "url_ttl_s", "max_body_bytes", "max_calls", "reload"),
    "browsers and TLS": ("cors_origins", "tls_cert", "tls_key", "tls"),
    "keys and agents": ("api_keys", "any_key", "agents", "any_agent", "rate_limit_per_hour"),
    "inspector": ("inspector", "control_token"),
    "what the agent does": ("behaviour", "voice_output", "recordings", "time_scale"),
    SCENARIO_GROUP: (
        *("scenario", "scenario_file", "latency_ms", "first_audio_delay_ms", "jitter_ms", "frame_loss"),
        *("seed", "clock"),
    ),
    "webrtc": ("livekit_url", "livekit_key", "livekit_secret"),
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
  calls mock --time-scale 10                          maxDuration and inactivityTimeout pass ten times faster
"""

CERTIFICATE = """\
The certificate was made for this run, so clients do not trust it: curl needs -k, calls dial and calls verify need
--insecure, a browser to open /healthz once and accept. One that they do trust: --tls-cert and --tls-key.
"""
"""What is said of a self-signed certificate."""

INLINE = {
    "systemPrompt": "You are a friendly receptionist.",
    "voice": "Mark",
    "language": "en",
    "greeting": "Hello, how can I help you?",
    "connectionType": "websocket",
    "websocket": {"inputSampleRate": 16000, "outputSampleRate": 16000},
}


def main(argv: Sequence[str]) -> int:
    """Serve until SIGINT or SIGTERM.  Returns 0 after an orderly end, 2 for what cannot be started."""
    parser = _parser()
    given = vars(parser.parse_args(argv))
    as_json = given.pop("json")
    if shape := given.pop("list_scenarios"):
        print(_LISTED[shape](), end="")
        return 0
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

        def tell(base_url: str) -> None:
            speaks = server.mock.speaks
            text = (
                ready_line(settings, base_url, token) if as_json else welcome(settings, base_url, token, speaks=speaks)
            )
            print(text, flush=True)

        server.on_ready = tell
        server.serve_until_stopped()
    except (DocumentError, PortError, SettingsError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 0


def ready_line(settings: Settings, base_url: str, token: str | None) -> str:
    """What a program needs to know, once the server answers: one line of JSON."""
    told = {"baseUrl": base_url, "apiKey": MOCK_KEYS[0]}
    if settings.inspector == "on":
        told["controlUrl"] = f"{base_url}/__mock__/api"
    if token is not None:
        told["controlToken"] = token
    return json.dumps(told)


def welcome(settings: Settings, base_url: str, token: str | None = None, *, speaks: bool) -> str:
    """What a newcomer needs to know, once the server answers.

    Shows no key but the built-in ones, and the control API's token only where it was made up.
    """
    # Imported late, for the sake of --help.
    from mockserver.espeak import INSTALL

    valid, no_credit, rate_limited = MOCK_KEYS
    own_keys = f", {len(settings.api_keys)} of your own" if settings.api_keys else ""
    agents = ", ".join([DEMO_AGENT, *(agent_id for agent_id, _ in settings.agents)])
    everywhere = settings.host in ("0.0.0.0", "::") and settings.public_url is None
    reach = "\n  websocketUrl names this machine; for dials from elsewhere give --public-url" if everywhere else ""
    # Beyond a proxy with a certificate of its own, nobody sees this one.
    unknown = settings.tls is not None and base_url.startswith("https:")
    curl, insecure, no_check = ("curl -sk", " --insecure", " --no-check") if unknown else ("curl -s", "", "")
    certificate = f"\n{CERTIFICATE}" if unknown else ""
    rest = "every other id works as well" if settings.any_agent else "other ids are 404; --agent ID=NAME adds one"
    control = f"\nControl API (docs/control.md): {base_url}/__mock__/api   token {token or 'as given'}"
    voice = "spoken words, in the language of the call" if speaks else "one tone a syllable"
    hint = "" if speaks or settings.voice_output == "tones" else f"; to hear words: {INSTALL}"
    return f"""\
Calls mock {version()} on {base_url}   (stop it with Ctrl-C)
{certificate}
Keys, in the header X-API-Key:
  {valid:22}works{own_keys}{", as does every other key" if settings.any_key else ""}
  {no_credit:22}402: the balance is used up
  {rate_limited:22}429: over the rate limit
Agents: {agents}; {rest}
Failures: agent_rate_limited, agent_slow, agent_drops_call and {len(SCENARIOS) - 3} more; --list-scenarios shows them
Voice: {voice}{hint}

Create a call with a saved agent:
  {_curl(curl, base_url, "create", {"agentId": DEMO_AGENT, "connectionType": "twilio"})}

Create a call that brings its own configuration:
  {_curl(curl, base_url, "inline", INLINE)}

Dial the websocketUrl that comes back within {settings.url_ttl_s:g} s; each works once:{reach}
  as Twilio      calls dial WEBSOCKET_URL --as twilio{insecure}   or a phone number whose TwiML connects to it
  as websocket   npx wscat -c WEBSOCKET_URL{no_check}     then type {{"type":"user_text_message","text":"hello"}}\
{control if settings.inspector == "on" else ""}
TwiML, TeXML and Plivo XML to copy: README, "From a real phone". The contract: {base_url}/openapi.yaml
{_seeded(settings)}"""


def _seeded(settings: Settings) -> str:
    """A warning, where one is due."""
    if settings.seed is None:
        return ""
    return f"WARNING, --seed {settings.seed}: ids and dial URLs repeat and can be guessed: for tests alone\n"


def scenarios_as_text() -> str:
    """The table of scenarios for a terminal."""
    rows = [(each.agent_id, _status(each), each.shows) for each in SCENARIOS]
    width = max(len(agent_id) for agent_id, _, _ in rows)
    lines = [f"{agent_id:{width}}  {status:>6}  {shows}" for agent_id, status, shows in rows]
    return f"""\
{"agentId":{width}}  status  what happens
{chr(10).join(lines)}

In POST /calls/inline, metadata.mock takes the name after agent_: {{"metadata": {{"mock": "slow"}}}}.
For all calls: --scenario NAME; in an order: --scenario-file FILE; over HTTP: Prefer: code=429. See docs/scenarios.md.
"""


def scenarios_as_markdown() -> str:
    """The table of scenarios for docs/scenarios.md."""
    rows = [f"| `{each.agent_id}` | `{each.name}` | {_status(each)} | {each.shows} |" for each in SCENARIOS]
    head = "| `agentId` | `metadata.mock` | status | what happens |\n| --- | --- | --- | --- |\n"
    return head + "\n".join(rows) + "\n"


def scenarios_as_json() -> str:
    """The table of scenarios for programs."""
    listed = [
        {
            "name": each.name,
            "agentId": each.agent_id,
            "status": each.status,
            "operations": each.operations,
            "shows": each.shows,
        }
        for each in SCENARIOS
    ]
    return json.dumps(listed, indent=2) + "\n"


_LISTED = {"text": scenarios_as_text, "markdown": scenarios_as_markdown, "json": scenarios_as_json}


def _status(scenario: Scenario) -> str:
    """What its request is answered with, if it is."""
    return "-" if scenario.answer in ("reset", "none") else str(scenario.status)


def _curl(curl: str, base_url: str, operation: str, body: dict[str, Any]) -> str:
    return (
        f"{curl} {base_url}/api/v1/calls/{operation} -H 'X-API-Key: {MOCK_KEYS[0]}' "
        f"-H 'Content-Type: application/json' \\\n       -d '{json.dumps(body)}'"
    )


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
    json_help = "when ready, print one line of JSON (baseUrl, apiKey, controlUrl, controlToken) and not the welcome"
    parser.add_argument("--json", action="store_true", help=json_help)
    by_name = dict(options())
    for title, names in GROUPS.items():
        group = parser.add_argument_group(title)
        if title == SCENARIO_GROUP:
            group.add_argument(
                "--list-scenarios",
                nargs="?",
                const="text",
                choices=list(_LISTED),
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
