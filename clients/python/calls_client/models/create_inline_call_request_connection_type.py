from enum import StrEnum

class CreateInlineCallRequestConnectionType(StrEnum):
    PLIVO = "plivo"
    TELNYX = "telnyx"
    TWILIO = "twilio"
    WEBRTC = "webrtc"
    WEBSOCKET = "websocket"

    def __str__(self) -> str:
        return str(self.value)
