from enum import StrEnum

class CreateInlineCallRequestInactivityAction(StrEnum):
    HANG_UP = "hang_up"
    PROMPT = "prompt"

    def __str__(self) -> str:
        return str(self.value)
