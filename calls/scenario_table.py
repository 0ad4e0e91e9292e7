"""The table of scenarios, as `calls mock --list-scenarios` prints it."""

from __future__ import annotations

import json

from mockserver.scenarios import SCENARIOS, Scenario


def as_text() -> str:
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


def as_markdown() -> str:
    """The table of scenarios for docs/scenarios.md."""
    rows = [f"| `{each.agent_id}` | `{each.name}` | {_status(each)} | {each.shows} |" for each in SCENARIOS]
    head = "| `agentId` | `metadata.mock` | status | what happens |\n| --- | --- | --- | --- |\n"
    return head + "\n".join(rows) + "\n"


def as_json() -> str:
    """The table of scenarios for programs."""
    listed = [
        {
            "name": each.name,
            "agentId": each.agent_id,
            "status": each.shown_status,
            "operations": each.operations,
            "shows": each.shows,
        }
        for each in SCENARIOS
    ]
    return json.dumps(listed, indent=2) + "\n"


def _status(scenario: Scenario) -> str:
    """What its request is answered with, if it is."""
    return "-" if scenario.shown_status is None else str(scenario.shown_status)


SHAPES = {"text": as_text, "markdown": as_markdown, "json": as_json}
"""What prints it, by the name of its shape."""
