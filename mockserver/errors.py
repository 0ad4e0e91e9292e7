"""Everything that can be answered with an error, and the one way to word it.

Exception
 +-- ApiError                    an answer of the contract: status, code, message
      +-- BadRequest             400  BAD_REQUEST
      |    +-- BodyTooSlow       400  BAD_REQUEST
      |    +-- InvalidBody       400  INVALID_BODY: not JSON, or not what can be read as JSON
      |    +-- InvalidFields     400  VALIDATION_ERROR: JSON, but not what the document asks for
      +-- MissingApiKey          401  MISSING_API_KEY
      +-- NotLetIn               401  UNAUTHORIZED, in a webrtc room
      +-- UnknownApiKey          401  UNAUTHORIZED
      +-- WrongControlToken      401  UNAUTHORIZED, with WWW-Authenticate (control API)
      +-- NoCredit               402  PAYMENT_REQUIRED
      +-- ForeignRequest         403  FORBIDDEN (control API)
      +-- PageRefused            403  FORBIDDEN, to browsers only
      +-- NotFound               404  NOT_FOUND
      |    +-- AgentNotFound     404  RESOURCE_NOT_FOUND
      |    +-- CallNotFound      404  RESOURCE_NOT_FOUND
      |    +-- NothingHere       404  NOT_FOUND
      |    +-- NotInJournal      404  RESOURCE_NOT_FOUND (control API)
      +-- MethodNotAllowed       405  METHOD_NOT_ALLOWED, with Allow
      +-- NotInProgress          409  CONFLICT (control API)
      +-- BodyTooLarge           413  PAYLOAD_TOO_LARGE
      +-- UnsupportedMediaType   415  UNSUPPORTED_MEDIA_TYPE
      +-- UpgradeRequired        426  UPGRADE_REQUIRED, with Sec-WebSocket-Version
      +-- RateLimitExceeded      429  RATE_LIMIT_EXCEEDED, with Retry-After
      +-- HeadTooLarge           431  HEADERS_TOO_LARGE
      +-- InternalError          500  INTERNAL_ERROR
      +-- ShuttingDown           503  SERVICE_UNAVAILABLE
      +-- TooManyCalls           503  SERVICE_UNAVAILABLE, with Retry-After
      +-- TooManyWebrtcCalls     503  SERVICE_UNAVAILABLE, with Retry-After
      +-- Unavailable            503  SERVICE_UNAVAILABLE, with Retry-After
      +-- StagedError            what a scenario says (staging.py)

Connexion's and Starlette's own errors are Starlette's HTTPException; whatever else escapes becomes an InternalError.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from starlette.exceptions import HTTPException

from mockserver.settings import DEMO_AGENT
from mockserver.webrtc.refusals import RoomGone, RoomRefused, TooManyRooms
from mockserver.wording import BrokenRule

log = logging.getLogger("calls")

RETRY_DIAL_AFTER_S = 5
"""When a dial that was one too many is worth another try, in seconds: within the life of most URLs."""


class ApiError(Exception):
    """An answer of the contract.  The message is lower case, without a full stop, and holds no key and no token."""

    status: int = 500
    code: str = "INTERNAL_ERROR"

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.headers = dict(headers or {})


class BadRequest(ApiError):
    """The request cannot be understood."""

    status = 400
    code = "BAD_REQUEST"


class BodyTooSlow(BadRequest):
    """The body did not come in time."""

    def __init__(self, within_s: float) -> None:
        super().__init__(f"the body did not come within {within_s:g} seconds", {"Connection": "close"})


class InvalidBody(BadRequest):
    """The body cannot be read as JSON."""

    code = "INVALID_BODY"


class InvalidFields(BadRequest):
    """The body is JSON, but not what the document asks for; `broken` is the first rule that it breaks."""

    code = "VALIDATION_ERROR"

    def __init__(self, message: str, broken: BrokenRule | None = None) -> None:
        super().__init__(message)
        self.broken = broken


class MissingApiKey(ApiError):
    """No key came."""

    status = 401
    code = "MISSING_API_KEY"

    def __init__(self) -> None:
        super().__init__("no X-API-Key header came; the mock prints the keys that it knows when it starts")


class UnknownApiKey(ApiError):
    """A key came that opens nothing."""

    status = 401
    code = "UNAUTHORIZED"

    def __init__(self) -> None:
        super().__init__(
            "this X-API-Key is not known; the mock prints the keys that it knows when it starts; "
            "start it with --api-key (or CALLS_API_KEYS) to add a key, with --any-key to take all"
        )


class WrongControlToken(ApiError):
    """The control API was asked without its token, or with another one."""

    status = 401
    code = "UNAUTHORIZED"

    def __init__(self) -> None:
        super().__init__(
            "the control API needs Authorization: Bearer TOKEN; the mock prints the token when it starts "
            "(--control-token or CALLS_CONTROL_TOKEN sets it)",
            {"WWW-Authenticate": "Bearer"},
        )


class ForeignRequest(ApiError):
    """The control API was asked by a page of another origin, or under a name that is not this server's."""

    status = 403
    code = "FORBIDDEN"


class NotLetIn(ApiError):
    """A webrtc room was asked to let somebody in who has no key to it."""

    status = 401
    code = "UNAUTHORIZED"


class NoCredit(ApiError):
    """The account is out of balance."""

    status = 402
    code = "PAYMENT_REQUIRED"

    def __init__(self) -> None:
        super().__init__("the balance of this account does not pay for a call (that is what this key is for)")


class PageRefused(ApiError):
    """A browser asks for a page that may not use this mock, or that calls it by a name that is not its own."""

    status = 403
    code = "FORBIDDEN"


class NotFound(ApiError):
    """There is nothing here."""

    status = 404
    code = "NOT_FOUND"


class NothingHere(NotFound):
    """There is nothing at this path; `served_at` is the path of the document that says what there is."""

    def __init__(self, served_at: str = "/openapi.yaml") -> None:
        super().__init__(f"there is nothing at this path; {served_at} says what there is")


class AgentNotFound(NotFound):
    """The agent does not exist; `agent_id` is as it may be shown."""

    code = "RESOURCE_NOT_FOUND"

    def __init__(self, agent_id: str) -> None:
        super().__init__(
            f"agentId: {agent_id} is no agent's id; the mock has {DEMO_AGENT}; "
            "start it with --agent ID=NAME (or CALLS_AGENTS) to add one, with --any-agent to let all exist"
        )


class CallNotFound(NotFound):
    """No call waits here: unknown, dialled before, expired, or not dialled as a WebSocket; never told which."""

    code = "RESOURCE_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__(
            "no call waits here; a websocketUrl is dialled as a WebSocket, once, soon after it was created (--url-ttl)"
        )


class NotInJournal(NotFound):
    """The control API was asked for something that never was, or was forgotten since."""

    code = "RESOURCE_NOT_FOUND"

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no such {what}; the mock remembers the latest ones only")


class NotInProgress(ApiError):
    """The control API was asked to do something in a call that does not go on, or cannot have this."""

    status = 409
    code = "CONFLICT"


class MethodNotAllowed(ApiError):
    """The path exists, without this method."""

    status = 405
    code = "METHOD_NOT_ALLOWED"


class BodyTooLarge(ApiError):
    """The body is over the cap."""

    status = 413
    code = "PAYLOAD_TOO_LARGE"

    def __init__(self, max_bytes: int) -> None:
        # What is still under way of such a body is not read, so the connection cannot serve another request.
        super().__init__(f"the body is larger than {max_bytes} bytes (--max-body)", {"Connection": "close"})


class UnsupportedMediaType(ApiError):
    """The body is not sent as JSON."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"


class RateLimitExceeded(ApiError):
    """The key made more requests than an hour allows."""

    status = 429
    code = "RATE_LIMIT_EXCEEDED"

    def __init__(self, limit: int, retry_after_s: int) -> None:
        super().__init__(
            f"more than {limit} requests in an hour; try again in {retry_after_s} seconds (--rate-limit)",
            {"Retry-After": str(retry_after_s)},
        )


class UpgradeRequired(ApiError):
    """A WebSocket was asked for in a version that nobody speaks any more."""

    status = 426
    code = "UPGRADE_REQUIRED"

    def __init__(self, message: str) -> None:
        super().__init__(message, {"Upgrade": "websocket", "Sec-WebSocket-Version": "13"})


class ShuttingDown(ApiError):
    """The mock was told to end, and waited for the request as long as it does."""

    status = 503
    code = "SERVICE_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("the mock is shutting down, and waits for this request no longer")


class TooManyCalls(ApiError):
    """As many calls are in progress as there may be."""

    status = 503
    code = "SERVICE_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__(
            "as many calls are in progress as this mock takes; dial the same URL again later (--max-calls)",
            {"Retry-After": str(RETRY_DIAL_AFTER_S)},
        )


class TooManyWebrtcCalls(ApiError):
    """As many webrtc calls are in progress as there may be."""

    status = 503
    code = "SERVICE_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__(
            "as many webrtc calls are in progress as this mock takes; dial the same URL again later "
            "(--max-webrtc-calls)",
            {"Retry-After": str(RETRY_DIAL_AFTER_S)},
        )


class Unavailable(ApiError):
    """A dial that is refused because it was asked for."""

    status = 503
    code = "SERVICE_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__(
            "this call refuses every dial (that is what its scenario is for)", {"Retry-After": str(RETRY_DIAL_AFTER_S)}
        )


class HeadTooLarge(ApiError):
    """A dial has more in its head than any client sends."""

    status = 431
    code = "HEADERS_TOO_LARGE"

    def __init__(self) -> None:
        super().__init__("this dial has more header fields, or longer ones, than are taken")


class InternalError(ApiError):
    """The mock is at fault; the log says how, the answer does not."""

    def __init__(self) -> None:
        super().__init__("the mock failed; its log says more under this X-Request-Id")


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    404: NotFound,
    405: MethodNotAllowed,
    415: UnsupportedMediaType,
}
"""What a framework's error becomes; its 5xx become InternalError."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished error answer: status, headers (names in lower case) and JSON body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def api_error(error: Exception) -> ApiError:
    """The ApiError that any error amounts to; what nobody foresaw is logged with its traceback."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, RoomRefused):
        return _of_room(error)
    if isinstance(error, HTTPException) and error.status_code in _BY_STATUS:
        return _BY_STATUS[error.status_code](_words(error), error.headers)
    log.error("unexpected %s", type(error).__name__, exc_info=error)
    return InternalError()


def _of_room(refusal: RoomRefused) -> ApiError:
    match refusal:
        case TooManyRooms():
            return TooManyWebrtcCalls()
        case RoomGone():
            return NotFound(str(refusal))
    return NotLetIn(str(refusal))


def _words(error: HTTPException) -> str:
    match error.status_code:
        case 404:
            return NothingHere().message
        case 405:
            return f"this path does not have this method; it has {(error.headers or {}).get('Allow', 'none')}"
        case _:
            return str(error.detail)


def answer(error: Exception) -> Answer:
    """The contract's answer to any error: `{"error": {"message": ..., "code": ...}}`."""
    fault = api_error(error)
    body = msgspec.json.encode({"error": {"message": fault.message, "code": fault.code}})
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **fault.headers}
    return Answer(fault.status, [(name.lower().encode(), value.encode()) for name, value in headers.items()], body)
