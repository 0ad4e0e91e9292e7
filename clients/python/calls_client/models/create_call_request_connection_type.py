from enum import StrEnum

class CreateCallRequestConnectionType(StrEnum):
    PLIVO = "plivo"
    TELNYX = "telnyx"
    TWILIO = "twilio"
    WEBSOCKET = "websocket"

    def __str__(self) -> str:
        return str(self.value)
