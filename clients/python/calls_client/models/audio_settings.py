from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.audio_settings_codec import AudioSettingsCodec
from ..types import UNSET, Unset






T = TypeVar("T", bound="AudioSettings")



@_attrs_define
class AudioSettings:
    """ The audio of a `websocket` call. Both sample rates are required when `connectionType` is `websocket`. For every
    other connection type the whole object is ignored, and no rate is required: carriers always carry G.711 mu-law
    at 8000 Hz, both ways. Wrong values may be refused there all the same, and the mock does so.

        Example:
            {'inputSampleRate': 16000, 'outputSampleRate': 16000}

        Attributes:
            input_sample_rate (int | Unset): Samples a second, in Hz, of the audio that you send to the agent. Example:
                16000.
            output_sample_rate (int | Unset): Samples a second, in Hz, of the audio that the agent sends to you. Example:
                24000.
            codec (AudioSettingsCodec | Unset): How the samples in binary messages are coded, both ways, one channel:

                - `pcm`: 16 bit signed, little-endian
                - `g711`: mu-law, 8 bit
                 Default: AudioSettingsCodec.PCM. Example: pcm.
            enable_audio_buffering (bool | Unset): Whether the service buffers audio to even out the jitter of the network.
                Default: False. Example: True.
            twilio_stream (bool | Unset): Whether audio is formatted for Twilio's Stream verb. Default: False. Example:
                False.
     """

    input_sample_rate: int | Unset = UNSET
    output_sample_rate: int | Unset = UNSET
    codec: AudioSettingsCodec | Unset = AudioSettingsCodec.PCM
    enable_audio_buffering: bool | Unset = False
    twilio_stream: bool | Unset = False
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        input_sample_rate = self.input_sample_rate

        output_sample_rate = self.output_sample_rate

        codec: str | Unset = UNSET
        if not isinstance(self.codec, Unset):
            codec = self.codec.value


        enable_audio_buffering = self.enable_audio_buffering

        twilio_stream = self.twilio_stream


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
        })
        if input_sample_rate is not UNSET:
            field_dict["inputSampleRate"] = input_sample_rate
        if output_sample_rate is not UNSET:
            field_dict["outputSampleRate"] = output_sample_rate
        if codec is not UNSET:
            field_dict["codec"] = codec
        if enable_audio_buffering is not UNSET:
            field_dict["enableAudioBuffering"] = enable_audio_buffering
        if twilio_stream is not UNSET:
            field_dict["twilioStream"] = twilio_stream

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        input_sample_rate = d.pop("inputSampleRate", UNSET)

        output_sample_rate = d.pop("outputSampleRate", UNSET)

        _codec = d.pop("codec", UNSET)
        codec: AudioSettingsCodec | Unset
        if isinstance(_codec,  Unset):
            codec = UNSET
        else:
            codec = AudioSettingsCodec(_codec)




        enable_audio_buffering = d.pop("enableAudioBuffering", UNSET)

        twilio_stream = d.pop("twilioStream", UNSET)

        audio_settings = cls(
            input_sample_rate=input_sample_rate,
            output_sample_rate=output_sample_rate,
            codec=codec,
            enable_audio_buffering=enable_audio_buffering,
            twilio_stream=twilio_stream,
        )


        audio_settings.additional_properties = d
        return audio_settings

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
