"""What is known about one request while it is answered; every layer adds its part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Scope

from mockserver.accounts import Account
from mockserver.errors import ApiError
from mockserver.rate_limit import RateState
from mockserver.scenarios import NO_MISHAP, Mishap

_SCOPE_KEY = "calls.exchange"

Headers = list[tuple[bytes, bytes]]
Handled = tuple[dict[str, Any] | bytes, int, Headers]
"""What an operation's method answers: body, status, headers with names in lower case.

The body is what becomes JSON, or the bytes of another media type.
"""


@dataclass(slots=True)
class Exchange:
    """One request and its answer.

    Attributes:
        request_id: what the answer's X-Request-Id says.
        headers: the request's, with names in lower case; of two, the first, unless they are
            lists (envelope.py); must never be shown.
        base_path: what came before the operation's path; empty where nothing did.
        key: the API key as it came; must never be shown.
        account: whose key it is, once that was judged.
        rate: where that account stands, once the request was counted.
        operation_id: the operation that the request is for; empty where it is for none.
        parameters: what the path and the query say, with the document's defaults in it.
        body: the JSON object that came; after validation with the document's defaults in it.
        mishap: what is to go wrong on the socket of the call that it creates.
        more_headers: what its answer carries beside what is always there.
        cut: whether its connection was ended without a whole answer, on purpose.
        fault: what the request was refused with.
    """

    request_id: str
    headers: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    base_path: str = ""
    key: bytes | None = field(default=None, repr=False)
    account: Account | None = None
    rate: RateState | None = None
    operation_id: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict, repr=False)
    mishap: Mishap = NO_MISHAP
    more_headers: Headers = field(default_factory=list)
    cut: bool = False
    fault: ApiError | None = None

    def put_into(self, scope: Scope) -> None:
        """Let the layers below find this exchange."""
        scope[_SCOPE_KEY] = self

    @classmethod
    def of(cls, scope: Scope) -> Exchange:
        """The exchange that a scope belongs to."""
        exchange: Exchange = scope[_SCOPE_KEY]
        return exchange
