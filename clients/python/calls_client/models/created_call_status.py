from enum import StrEnum

class CreatedCallStatus(StrEnum):
    CONNECTED = "connected"
    CONNECTING = "connecting"
    CREATED = "created"
    ENDED = "ended"

    def __str__(self) -> str:
        return str(self.value)
