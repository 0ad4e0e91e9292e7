from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.create_call_request import CreateCallRequest
from ...models.created_agent_call import CreatedAgentCall
from ...models.error import Error
from typing import cast



def _get_kwargs(
    *,
    body: CreateCallRequest,

) -> dict[str, Any]:
    headers: dict[str, Any] = {}


    

    

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/calls/create",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> CreatedAgentCall | Error | None:
    if response.status_code == 201:
        response_201 = CreatedAgentCall.from_dict(response.json())



        return response_201

    if response.status_code == 400:
        response_400 = Error.from_dict(response.json())



        return response_400

    if response.status_code == 401:
        response_401 = Error.from_dict(response.json())



        return response_401

    if response.status_code == 402:
        response_402 = Error.from_dict(response.json())



        return response_402

    if response.status_code == 404:
        response_404 = Error.from_dict(response.json())



        return response_404

    if response.status_code == 405:
        response_405 = Error.from_dict(response.json())



        return response_405

    if response.status_code == 413:
        response_413 = Error.from_dict(response.json())



        return response_413

    if response.status_code == 415:
        response_415 = Error.from_dict(response.json())



        return response_415

    if response.status_code == 429:
        response_429 = Error.from_dict(response.json())



        return response_429

    if response.status_code == 500:
        response_500 = Error.from_dict(response.json())



        return response_500

    if response.status_code == 503:
        response_503 = Error.from_dict(response.json())



        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[CreatedAgentCall | Error]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: CreateCallRequest,

) -> Response[CreatedAgentCall | Error]:
    """ Create voice call

     Create a voice call session with one of your saved agents, over your own telephony (BYOT, "bring
    your own
    telephony") or your own WebSocket client.

    Connection types:

    - `twilio`: Twilio's WebSocket streams (the default)
    - `telnyx`: Telnyx media streaming
    - `plivo`: Plivo audio streaming
    - `websocket`: a WebSocket client of your own, at sample rates that you choose

    The answer holds a WebSocket URL for that provider. `webrtc` is not offered here, only by
    `/calls/inline`.

    Args:
        body (CreateCallRequest): Which saved agent takes the call, and who will dial it. Unknown
            fields are accepted and ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CreatedAgentCall | Error]
     """


    kwargs = _get_kwargs(
        body=body,

    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)

def sync(
    *,
    client: AuthenticatedClient,
    body: CreateCallRequest,

) -> CreatedAgentCall | Error | None:
    """ Create voice call

     Create a voice call session with one of your saved agents, over your own telephony (BYOT, "bring
    your own
    telephony") or your own WebSocket client.

    Connection types:

    - `twilio`: Twilio's WebSocket streams (the default)
    - `telnyx`: Telnyx media streaming
    - `plivo`: Plivo audio streaming
    - `websocket`: a WebSocket client of your own, at sample rates that you choose

    The answer holds a WebSocket URL for that provider. `webrtc` is not offered here, only by
    `/calls/inline`.

    Args:
        body (CreateCallRequest): Which saved agent takes the call, and who will dial it. Unknown
            fields are accepted and ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CreatedAgentCall | Error
     """


    return sync_detailed(
        client=client,
body=body,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: CreateCallRequest,

) -> Response[CreatedAgentCall | Error]:
    """ Create voice call

     Create a voice call session with one of your saved agents, over your own telephony (BYOT, "bring
    your own
    telephony") or your own WebSocket client.

    Connection types:

    - `twilio`: Twilio's WebSocket streams (the default)
    - `telnyx`: Telnyx media streaming
    - `plivo`: Plivo audio streaming
    - `websocket`: a WebSocket client of your own, at sample rates that you choose

    The answer holds a WebSocket URL for that provider. `webrtc` is not offered here, only by
    `/calls/inline`.

    Args:
        body (CreateCallRequest): Which saved agent takes the call, and who will dial it. Unknown
            fields are accepted and ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CreatedAgentCall | Error]
     """


    kwargs = _get_kwargs(
        body=body,

    )

    response = await client.get_async_httpx_client().request(
        **kwargs
    )

    return _build_response(client=client, response=response)

async def asyncio(
    *,
    client: AuthenticatedClient,
    body: CreateCallRequest,

) -> CreatedAgentCall | Error | None:
    """ Create voice call

     Create a voice call session with one of your saved agents, over your own telephony (BYOT, "bring
    your own
    telephony") or your own WebSocket client.

    Connection types:

    - `twilio`: Twilio's WebSocket streams (the default)
    - `telnyx`: Telnyx media streaming
    - `plivo`: Plivo audio streaming
    - `websocket`: a WebSocket client of your own, at sample rates that you choose

    The answer holds a WebSocket URL for that provider. `webrtc` is not offered here, only by
    `/calls/inline`.

    Args:
        body (CreateCallRequest): Which saved agent takes the call, and who will dial it. Unknown
            fields are accepted and ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CreatedAgentCall | Error
     """


    return (await asyncio_detailed(
        client=client,
body=body,

    )).parsed
