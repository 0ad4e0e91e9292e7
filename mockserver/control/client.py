"""A client of the control API: typed answers, and errors that say what the mock said."""

from __future__ import annotations

import time
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from mockserver.control.shapes import (
    Call,
    Calls,
    Changes,
    Event,
    Events,
    Outcomes,
    Request,
    Requests,
    Scenario,
    Scenarios,
    Shape,
    Status,
    Transcript,
    Utterance,
)
from mockserver.notes import Side

S = TypeVar("S", bound=Shape)

LONGEST_WAIT_S = 60.0
"""How long the mock lets one request wait, in seconds."""

_MOST = 2000
"""How many the mock takes on one page."""


class ControlError(Exception):
    """The mock refused; `status` and `code` are its answer's."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code


class ControlClient:
    """One mock's control API.

    Args:
        base_url: where the mock is, without a slash at the end.
        token: its control token.
        verify: whether a mock that answers with TLS must have a certificate that this machine trusts.

    Every method raises ControlError for what the mock refuses, and httpx's errors for a mock that does not answer.
    """

    def __init__(self, base_url: str, token: str, *, verify: bool = True) -> None:
        self._http = httpx.Client(
            base_url=f"{base_url}/__mock__/api/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=LONGEST_WAIT_S + 10,
            trust_env=False,
            # To read all certificates takes longer than most tests; without TLS they are for nothing.
            verify=verify and base_url.startswith("https:"),
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    # The mock as a whole.

    def status(self) -> Status:
        """How the mock is."""
        return self._get("status", Status)

    def reset(self) -> Status:
        """Have it forget requests, waiting calls and rate counts, and hang up the calls in progress."""
        return self._post("reset", Status)

    def changes(self, after: int = 0, *, wait_s: float = 20.0) -> Changes:
        """What is new since a change; comes as soon as there is anything."""
        return self._get("changes", Changes, after=after, waitS=wait_s)

    # What requests get that ask for nothing themselves.

    def order(self, scenario: str, *, times: int = 1) -> Outcomes:
        """Have the next requests go like a scenario; several orders are taken one after the other."""
        return self._post("outcomes", Outcomes, {"scenario": scenario, "times": times})

    def outcomes(self) -> Outcomes:
        """What is ordered, and what all others get."""
        return self._get("outcomes", Outcomes)

    def forget_outcomes(self) -> Outcomes:
        """Have nothing ordered any more."""
        return msgspec.json.decode(self._answer("DELETE", "outcomes"), type=Outcomes)

    def set_default_scenario(self, scenario: str) -> Outcomes:
        """Have all others go like this; `ok` is a call that goes well."""
        answer = self._answer("PUT", "default-scenario", json={"scenario": scenario})
        return msgspec.json.decode(answer, type=Outcomes)

    def scenarios(self) -> list[Scenario]:
        """What can be asked for."""
        return self._get("scenarios", Scenarios).scenarios

    # Requests.

    def requests(self, after: int = 0) -> list[Request]:
        """The requests that are remembered, those whose number is above `after`, the oldest first."""
        found: list[Request] = []
        while page := self._get("requests", Requests, after=after, limit=_MOST).requests:
            found += page
            after = page[-1].number
        return found

    def request(self, request_id: str) -> Request:
        """The latest request with this X-Request-Id."""
        return self._get(f"requests/{_segment(request_id)}", Request)

    # Calls.

    def calls(self, after: int = 0) -> list[Call]:
        """The calls that are remembered, those whose number is above `after`, the oldest first."""
        found: list[Call] = []
        while page := self._get("calls", Calls, after=after, limit=_MOST).calls:
            found += page
            after = page[-1].number
        return found

    def call(self, call_id: str) -> Call:
        """One call."""
        return self._get(f"calls/{_segment(call_id)}", Call)

    def events(self, call_id: str, after: int = -1) -> list[Event]:
        """What happened in a call, those events whose index is above `after`."""
        found: list[Event] = []
        while page := self._get(f"calls/{_segment(call_id)}/events", Events, after=after, limit=_MOST).events:
            found += page
            after = page[-1].index
        return found

    def transcript(self, call_id: str) -> list[Utterance]:
        """What was said in a call."""
        return self._get(f"calls/{_segment(call_id)}/transcript", Transcript).utterances

    def audio(self, call_id: str, side: Side | None = None) -> bytes:
        """A call's audio as a WAV file: the caller left and the agent right, or one side."""
        parameters = {} if side is None else {"side": side}
        return self._answer("GET", f"calls/{_segment(call_id)}/audio", params=parameters)

    def wait_for(self, call_id: str, state: Literal["dialled", "ended"], *, within_s: float = 10.0) -> Call:
        """A call, once it has come this far.  Raises TimeoutError."""
        until = time.monotonic() + within_s
        while True:
            latest = self.status().latest
            call = self.call(call_id)
            if call.state == state or call.state == "ended":
                return call
            left_s = until - time.monotonic()
            if left_s <= 0:
                raise TimeoutError(f"call {call_id} is {call.state} after {within_s:g} s, not {state}")
            self.changes(latest, wait_s=min(left_s, LONGEST_WAIT_S))

    # Calls in progress.

    def hang_up(self, call_id: str) -> Call:
        """Have the agent end a call."""
        return self._post(f"calls/{_segment(call_id)}/hang-up", Call)

    def speak(self, call_id: str, text: str) -> Call:
        """Have the agent say something, after what it is saying."""
        return self._post(f"calls/{_segment(call_id)}/speech", Call, {"text": text})

    def press_digits(self, call_id: str, digits: str) -> Call:
        """Have the agent react as if the caller had pressed these keys."""
        return self._post(f"calls/{_segment(call_id)}/digits", Call, {"digits": digits})

    def answer_tool(
        self, call_id: str, invocation_id: str, *, result: str | None = None, error: str | None = None
    ) -> Call:
        """Answer a client tool in the caller's place, with exactly one of `result` and `error`."""
        told = {"invocationId": invocation_id, "result": result, "error": error}
        body = {name: value for name, value in told.items() if value is not None}
        return self._post(f"calls/{_segment(call_id)}/tool-result", Call, body)

    def _get(self, path: str, shape: type[S], **parameters: Any) -> S:
        return msgspec.json.decode(self._answer("GET", path, params=parameters), type=shape)

    def _post(self, path: str, shape: type[S], body: dict[str, Any] | None = None) -> S:
        return msgspec.json.decode(self._answer("POST", path, json=body), type=shape)

    def _answer(self, method: str, path: str, **more: Any) -> bytes:
        answer = self._http.request(method, path, **more)
        if answer.status_code == httpx.codes.OK:
            return answer.content
        error = answer.json()["error"]
        raise ControlError(answer.status_code, error["code"], error["message"])


def _segment(text: str) -> str:
    return quote(text, safe="")
