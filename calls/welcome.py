"""What `calls mock` says once it answers: to a newcomer, or to a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calls.arguments import version
from mockserver.scenarios import SCENARIOS
from mockserver.settings import DEMO_AGENT, MOCK_KEYS, Settings

if TYPE_CHECKING:
    from contract.overlays import Overlay

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


def ready_line(settings: Settings, base_url: str, token: str | None, *, overlays: Sequence[Overlay] = ()) -> str:
    """What a program needs to know, once the server answers: one line of JSON."""
    told: dict[str, Any] = {"baseUrl": base_url, "apiKey": MOCK_KEYS[0]}
    if settings.inspector == "on":
        told["controlUrl"] = f"{base_url}/__mock__/api"
    if token is not None:
        told["controlToken"] = token
    if overlays:
        told["overlays"] = [overlay.name for overlay in overlays]
    return json.dumps(told)


def welcome(
    settings: Settings, base_url: str, token: str | None, *, speaks: bool, overlays: Sequence[Overlay] = ()
) -> str:
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
    voice = "spoken words, in the language of the call" if speaks else "one tone a syllable"
    hint = "" if speaks or settings.voice_output == "tones" else f"; to hear words: {INSTALL}"
    changed = f"Overlays on the contract: {', '.join(map(str, overlays))}\n" if overlays else ""
    page = f"See what happens, and place calls with the phone in the page: {base_url}/\n"
    control = f"\nControl API (docs/control.md): {base_url}/__mock__/api   token {token or 'as given'}"
    return f"""\
Calls mock {version()} on {base_url}   (stop it with Ctrl-C)
{page if settings.inspector == "on" else ""}{certificate}
Keys, in the header X-API-Key:
  {valid:22}works{own_keys}{", as does every other key" if settings.any_key else ""}
  {no_credit:22}402: the balance is used up
  {rate_limited:22}429: over the rate limit
Agents: {agents}; {rest}
Failures: agent_rate_limited, agent_slow, agent_drops_call and {len(SCENARIOS) - 3} more; --list-scenarios shows them
Voice: {voice}{hint}
{changed}
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


def _curl(curl: str, base_url: str, operation: str, body: dict[str, Any]) -> str:
    return (
        f"{curl} {base_url}/api/v1/calls/{operation} -H 'X-API-Key: {MOCK_KEYS[0]}' "
        f"-H 'Content-Type: application/json' \\\n       -d '{json.dumps(body)}'"
    )
