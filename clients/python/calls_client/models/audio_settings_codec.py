from enum import StrEnum

class AudioSettingsCodec(StrEnum):
    G711 = "g711"
    PCM = "pcm"

    def __str__(self) -> str:
        return str(self.value)
