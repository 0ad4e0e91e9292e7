"""Places in the contract's documents to which the requirements of several files point."""

from __future__ import annotations

API = "openapi/calls.yaml#/info/description"
HEADERS = "openapi/calls.yaml#/components/headers"

CREATE_REQUEST = "openapi/calls.yaml#/components/schemas/CreateCallRequest"
INLINE_REQUEST = "openapi/calls.yaml#/components/schemas/CreateInlineCallRequest"
AUDIO_SETTINGS = "openapi/calls.yaml#/components/schemas/AudioSettings"

CREATED_CALL = "openapi/calls.yaml#/components/schemas/CreatedCall"
WEBSOCKET_URL = f"{CREATED_CALL}/properties/websocketUrl"
CONNECTION_TYPE = f"{CREATED_CALL}/properties/connectionType"

ERROR = "openapi/calls.yaml#/components/schemas/Error"
