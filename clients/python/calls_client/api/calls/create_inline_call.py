from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.create_inline_call_request import CreateInlineCallRequest
from ...models.created_call import CreatedCall
from ...models.error import Error
from typing import cast



def _get_kwargs(
    *,
    body: CreateInlineCallRequest,

) -> dict[str, Any]:
    headers: dict[str, Any] = {}


    

    

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/calls/inline",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs



def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> CreatedCall | Error | None:
    if response.status_code == 201:
        response_201 = CreatedCall.from_dict(response.json())



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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[CreatedCall | Error]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: CreateInlineCallRequest,

) -> Response[CreatedCall | Error]:
    """ Create inline voice call

     Create a voice call session whose whole configuration, with system prompt, voice and optional tools,
    is in the
    request: no agent has to be created first.

    Good for:

    - prototypes, without creating agents
    - agents whose configuration is made up call by call
    - serverless integrations

    Connection types:

    - `webrtc`: a call in the browser
    - `twilio`: Twilio's WebSocket streams (the default)
    - `telnyx`: Telnyx media streaming
    - `plivo`: Plivo audio streaming
    - `websocket`: a WebSocket client of your own

    Args:
        body (CreateInlineCallRequest): The whole configuration of a call (no agent required), and
            who will dial it. Unknown fields are accepted and
            ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CreatedCall | Error]
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
    body: CreateInlineCallRequest,

) -> CreatedCall | Error | None:
    """ Create inline voice call

     Create a voice call session whose whole configuration, with system prompt, voice and optional tools,
    is in the
    request: no agent has to be created first.

    Good for:

    - prototypes, without creating agents
    - agents whose configuration is made up call by call
    - serverless integrations

    Connection types:

    - `webrtc`: a call in the browser
    - `twilio`: Twilio's WebSocket streams (the default)
    - `telnyx`: Telnyx media streaming
    - `plivo`: Plivo audio streaming
    - `websocket`: a WebSocket client of your own

    Args:
        body (CreateInlineCallRequest): The whole configuration of a call (no agent required), and
            who will dial it. Unknown fields are accepted and
            ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CreatedCall | Error
     """


    return sync_detailed(
        client=client,
body=body,

    ).parsed

async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: CreateInlineCallRequest,

) -> Response[CreatedCall | Error]:
    """ Create inline voice call

     Create a voice call session whose whole configuration, with system prompt, voice and optional tools,
    is in the
    request: no agent has to be created first.

    Good for:

    - prototypes, without creating agents
    - agents whose configuration is made up call by call
    - serverless integrations

    Connection types:

    - `webrtc`: a call in the browser
    - `twilio`: Twilio's WebSocket streams (the default)
    - `telnyx`: Telnyx media streaming
    - `plivo`: Plivo audio streaming
    - `websocket`: a WebSocket client of your own

    Args:
        body (CreateInlineCallRequest): The whole configuration of a call (no agent required), and
            who will dial it. Unknown fields are accepted and
            ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CreatedCall | Error]
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
    body: CreateInlineCallRequest,

) -> CreatedCall | Error | None:
    """ Create inline voice call

     Create a voice call session whose whole configuration, with system prompt, voice and optional tools,
    is in the
    request: no agent has to be created first.

    Good for:

    - prototypes, without creating agents
    - agents whose configuration is made up call by call
    - serverless integrations

    Connection types:

    - `webrtc`: a call in the browser
    - `twilio`: Twilio's WebSocket streams (the default)
    - `telnyx`: Telnyx media streaming
    - `plivo`: Plivo audio streaming
    - `websocket`: a WebSocket client of your own

    Args:
        body (CreateInlineCallRequest): The whole configuration of a call (no agent required), and
            who will dial it. Unknown fields are accepted and
            ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CreatedCall | Error
     """


    return (await asyncio_detailed(
        client=client,
body=body,

    )).parsed
