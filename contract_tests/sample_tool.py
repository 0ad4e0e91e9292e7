"""A tool that the client runs, for agents to call."""

from __future__ import annotations

from typing import Any

TOOL_NAME = "lookUpPrice"
"""With capitals, which must come back."""

TOOLS: list[dict[str, Any]] = [
    {
        "temporaryTool": {
            "modelToolName": TOOL_NAME,
            "description": "Looks up the price of a part. Call it whenever the caller says or asks anything.",
            "timeout": "30s",
            "dynamicParameters": [
                {
                    "name": "part",
                    "location": "PARAMETER_LOCATION_BODY",
                    "schema": {"type": "string"},
                    "required": True,
                }
            ],
            "client": {},
        }
    }
]

TOOL_PROMPT = f"Whenever the caller says anything, call the tool {TOOL_NAME} first, then answer in one sentence."
"""A systemPrompt that asks for it."""
