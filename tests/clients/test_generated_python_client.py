"""The Python client under clients/ creates calls on a mock, and names what went wrong by type."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import pytest
from calls_client import AuthenticatedClient
from calls_client.api.calls import create_call, create_inline_call
from calls_client.models import (
    AudioSettings,
    CreateCallRequest,
    CreatedAgentCall,
    CreatedCall,
    CreatedCallConnectionType,
    CreateInlineCallRequest,
    CreateInlineCallRequestConnectionType,
    Error,
)
from websockets.sync.client import connect

from tests.running import VALID_KEY, RunningMock

INLINE = CreateInlineCallRequest(
    system_prompt="Be brief.",
    voice="Mark",
    language="en",
    greeting="",
    connection_type=CreateInlineCallRequestConnectionType.WEBSOCKET,
    websocket=AudioSettings(input_sample_rate=16000, output_sample_rate=16000),
)


def client_of(mock: RunningMock, key: str = VALID_KEY["X-API-Key"]) -> AuthenticatedClient:
    """A client as clients/README.md says."""
    return AuthenticatedClient(mock.base_url + "/api/v1", token=key, prefix="", auth_header_name="X-API-Key")


def test_an_inline_call_is_created_and_can_be_dialled(mock: RunningMock) -> None:
    with client_of(mock) as client:
        call = create_inline_call.sync(client=client, body=INLINE)

    assert isinstance(call, CreatedCall)
    assert call.connection_type is CreatedCallConnectionType.WEBSOCKET
    with connect(call.websocket_url, proxy=None) as socket:
        assert socket.recv(timeout=10) == '{"type":"state","state":"listening"}'


def test_a_call_of_a_saved_agent_is_created_in_an_event_loop(mock: RunningMock) -> None:
    async def create() -> CreatedAgentCall | Error | None:
        async with client_of(mock) as client:
            return await create_call.asyncio(client=client, body=CreateCallRequest(agent_id="agent_demo"))

    call = asyncio.run(create())
    assert isinstance(call, CreatedAgentCall)
    assert call.agent.id == "agent_demo"


@pytest.mark.parametrize(
    ("key", "agent_id", "status"),
    [
        ("ck_unknown", "agent_demo", HTTPStatus.UNAUTHORIZED),
        ("ck_mock_no_credit", "agent_demo", HTTPStatus.PAYMENT_REQUIRED),
        (VALID_KEY["X-API-Key"], "agent_unknown", HTTPStatus.NOT_FOUND),
    ],
)
def test_a_refusal_is_an_error_with_a_message(mock: RunningMock, key: str, agent_id: str, status: HTTPStatus) -> None:
    with client_of(mock, key) as client:
        answer = create_call.sync_detailed(client=client, body=CreateCallRequest(agent_id=agent_id))

    assert answer.status_code is status
    assert isinstance(answer.parsed, Error)
    assert isinstance(answer.parsed.error.message, str) and answer.parsed.error.message
