"""A `websocketUrl` opens one WebSocket, soon after it was created, and tells nobody anything else."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.running import RunningMock, running_mock

WEBSOCKET = {"connectionType": "websocket", "websocket": {"inputSampleRate": 8000, "outputSampleRate": 8000}}

TELLING = ("date", "x-request-id")
"""Headers that differ from answer to answer."""


def http(url: str) -> str:
    return url.replace("ws://", "http://")


def refusal(url: str, origin: Origin | None = None) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body of the answer to a dial that must not become a WebSocket."""
    with pytest.raises(InvalidStatus) as refused, connect(url, proxy=None, origin=origin):
        pass
    response = refused.value.response
    headers = {name.lower(): value for name, value in response.headers.raw_items()}
    return response.status_code, without_telling(headers), json.loads(response.body or b"")


def without_telling(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in TELLING}


def plain_get(url: str) -> tuple[int, dict[str, str], Any]:
    """The same of the answer to a GET that asks for no WebSocket."""
    answer = httpx.get(http(url))
    return answer.status_code, without_telling(dict(answer.headers)), answer.json()


def dials(url: str) -> bool:
    """Whether a dial becomes a WebSocket."""
    try:
        with connect(url, proxy=None):
            return True
    except InvalidStatus:
        return False


def dead_url(mock: RunningMock) -> str:
    """A URL that was used."""
    url: str = mock.create_inline(**WEBSOCKET)["websocketUrl"]
    assert dials(url)
    return url


@pytest.mark.parametrize("kind", ("twilio", "telnyx", "plivo", "websocket"))
def test_a_second_dial_is_refused_in_the_contracts_error_shape(mock: RunningMock, kind: str) -> None:
    url = mock.create_inline(**{**WEBSOCKET, "connectionType": kind})["websocketUrl"]
    with connect(url, proxy=None):
        during = refusal(url)
    after = refusal(url)
    assert during[0] == after[0] == 404
    assert during == after
    assert after[2]["error"]["code"] == "RESOURCE_NOT_FOUND"
    assert after[2]["error"]["message"]
    assert url.rpartition("/")[2] not in json.dumps(after)


def test_used_unknown_and_mistyped_urls_are_refused_alike(mock: RunningMock) -> None:
    used = dead_url(mock)
    unknown = used[:-1] + ("A" if used[-1] != "A" else "B")
    assert refusal(used) == refusal(unknown) == refusal(used.rpartition("/")[0] + "/x")


def test_a_plain_get_is_refused_like_a_dial(mock: RunningMock) -> None:
    used = dead_url(mock)
    assert plain_get(used)[0] == refusal(used)[0]
    assert plain_get(used)[2] == refusal(used)[2]


def test_a_plain_get_tells_live_and_dead_urls_alike_and_uses_none_up(mock: RunningMock) -> None:
    live = mock.create_inline(**WEBSOCKET)["websocketUrl"]
    assert plain_get(live) == plain_get(dead_url(mock))
    assert dials(live)


@pytest.mark.parametrize("method", ("HEAD", "POST", "OPTIONS"))
def test_no_other_request_tells_or_uses_up_a_url(mock: RunningMock, method: str) -> None:
    live = mock.create_inline(**WEBSOCKET)["websocketUrl"]
    answers = [httpx.request(method, http(url)) for url in (live, dead_url(mock))]
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert answers[0].status_code >= 400
    assert dials(live)


def test_a_url_that_was_not_dialled_in_time_is_refused_like_a_used_one() -> None:
    with running_mock(rate_limit_per_hour=0, url_ttl_s=1.0) as mock:
        late = mock.create_inline(**WEBSOCKET)["websocketUrl"]
        used = dead_url(mock)
        time.sleep(1.1)
        assert refusal(late) == refusal(used)


def test_of_many_racing_dials_exactly_one_becomes_a_websocket(mock: RunningMock) -> None:
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            url = mock.create_inline(**WEBSOCKET)["websocketUrl"]
            assert sum(pool.map(dials, [url] * 8)) == 1


@pytest.mark.parametrize("origin", ["http://localhost:5173", "https://shop.example"])
def test_a_query_an_allowed_origin_and_a_subprotocol_do_not_keep_a_client_out(origin: str) -> None:
    with running_mock(rate_limit_per_hour=0, cors_origins=["https://shop.example"]) as mock:
        url = mock.create_inline(**WEBSOCKET)["websocketUrl"] + "?clientVersion=0.5.0&apiVersion=1"
        subprotocol = Subprotocol("anything")
        with connect(url, proxy=None, origin=Origin(origin), subprotocols=[subprotocol]) as socket:
            assert json.loads(socket.recv(timeout=5))["type"] == "state"


def test_another_origin_is_refused_alike_for_live_and_dead_urls_and_uses_none_up(mock: RunningMock) -> None:
    live, dead = mock.create_inline(**WEBSOCKET)["websocketUrl"], dead_url(mock)
    elsewhere = Origin("https://shop.example")
    told = refusal(live, origin=elsewhere)
    assert told == refusal(dead, origin=elsewhere)
    status, _, body = told
    assert (status, body["error"]["code"]) == (403, "FORBIDDEN")
    assert "--cors-origin https://shop.example" in body["error"]["message"]
    assert dials(live)


def test_a_saved_agents_call_is_dialled_like_an_inline_one(mock: RunningMock) -> None:
    url = mock.create(**WEBSOCKET)["websocketUrl"]
    assert dials(url)
    assert not dials(url)


def test_a_url_says_nothing_of_the_key_and_is_not_alike_another(mock: RunningMock) -> None:
    tokens = [mock.create_inline()["websocketUrl"].rpartition("/")[2] for _ in range(20)]
    assert len(set(tokens)) == len({token[:8] for token in tokens}) == 20
    # 22 characters of base64 hold 128 bits.
    assert min(map(len, tokens)) >= 22
    assert not any("ck_mock" in token for token in tokens)
