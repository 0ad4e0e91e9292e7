"""What can go wrong with a contract, and whose fault it is.

Exception
 +-- ContractError          the root of all below
      +-- PeerError         the other side sent something the contract does not allow
      +-- UsageError        we used the contract wrongly: a fault in this program
      +-- DocumentError     a document cannot be read, or says something that makes no sense
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contract.events import Event


class ContractError(Exception):
    """The root of this package's errors."""


class PeerError(ContractError):
    """The other side sent something the contract does not allow.

    Attributes:
        message_name: the document's name for the message, or None where it could not be told.
        path: JSONPath-like place of the fault (`$.media.payload`); `$` is the whole message.
        reason: what is wrong there, lower case, no full stop, safe to show.
        event: what the message most likely meant, for a listener that prefers to go on; None where that cannot be told.
    """

    def __init__(self, message_name: str | None, path: str, reason: str, event: Event | None = None) -> None:
        place = "" if path == "$" else f"{path}: "
        super().__init__(f"{message_name}: {place}{reason}" if message_name else f"{place}{reason}")
        self.message_name = message_name
        self.path = path
        self.reason = reason
        self.event = event


class UsageError(ContractError):
    """We used the contract wrongly: a fault in this program, never the peer's."""


class DocumentError(ContractError):
    """A document cannot be read, or makes no sense; the text names file and line where they are known."""
