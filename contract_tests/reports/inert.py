r"""Makes text that came from the target harmless to look at, in a terminal, in a log and on a page.

Everything here turns what would act (or could not be seen) into an escape that can be read: `\x1b`, `\u202e`.
"""

from __future__ import annotations

import json
import re
from typing import Any

LONGEST = 2000
"""How many characters of one value the reports for a log, a terminal or a CI page show; the json report holds all."""

_ACTING = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed; ANSI escapes begin with one
    "\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # unseen, or turn the direction of writing
    "\ufffe\uffff\ud800-\udfff"  # not characters: no encoding and no XML holds them
    "\U000e0000-\U000e007f"  # tags: text that nobody sees
    "]"
)
_UNSEEN_IN_LINE = re.compile(f"{_ACTING.pattern[:-1]}\t\n]")
_SHORT = {"\r": "\\r", "\n": "\\n", "\t": "\\t"}

# What CI services read as commands in a log: GitHub's runner (github.com/actions/runner, ActionCommand.cs: `::` after
# leading space, `##[` anywhere), Azure Pipelines (`##vso[`) and TeamCity (`##teamcity[`).  A terminal may wrap a line
# anywhere, so `::` is looked for anywhere.
_COMMAND = re.compile(
    r"::(?=(?:add-mask|add-matcher|add-path|debug|echo|endgroup|error|group|notice|remove-matcher|save-state|set-env"
    r"|set-output|stop-commands|warning)\b)|##(?=\w*\[)",
    re.IGNORECASE,
)


def visible(text: str) -> str:
    """The text with everything that acts or cannot be seen as an escape; line feeds and tabs stay."""
    return _ACTING.sub(_escape, text)


def in_a_line(text: str) -> str:
    """As `visible`, and line feeds and tabs are escapes too."""
    return _UNSEEN_IN_LINE.sub(_escape, text)


def disarmed(text: str) -> str:
    """As `visible`, for a log: what a CI service would take for a command is broken by an escape."""
    return _COMMAND.sub(lambda found: f"{found[0][0]}\\x{ord(found[0][1]):02x}", visible(text))


def in_short(text: str) -> str:
    """As `disarmed`, and cut off after LONGEST characters."""
    return shortened(disarmed(text), LONGEST)


def shortened(text: str, limit: int) -> str:
    """The text, or its first `limit` characters and how many more there are."""
    more = len(text) - limit
    return text if more <= 0 else f"{text[:limit]}… ({more:,} more characters)"


def json_text(value: Any) -> str:
    """Indented JSON in ASCII that no terminal and no CI service acts on, and that reads back as the same value."""
    text = json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False)
    # Both stand only inside strings.
    return text.replace("\x7f", "\\u007f").replace("##", "#\\u0023") + "\n"


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if found[0] in _SHORT:
        return _SHORT[found[0]]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
