from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.create_inline_call_request_connection_type import CreateInlineCallRequestConnectionType
from ..models.create_inline_call_request_first_speaker import CreateInlineCallRequestFirstSpeaker
from ..models.create_inline_call_request_inactivity_action import CreateInlineCallRequestInactivityAction
from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
  from ..models.audio_settings import AudioSettings
  from ..models.metadata import Metadata
  from ..models.selected_tool import SelectedTool





T = TypeVar("T", bound="CreateInlineCallRequest")



@_attrs_define
class CreateInlineCallRequest:
    """ The whole configuration of a call (no agent required), and who will dial it. Unknown fields are accepted and
    ignored.

        Attributes:
            system_prompt (str): The base system prompt for the agent. Example: You are the friendly receptionist of a
                bicycle shop. Keep your answers short..
            voice (str): Voice name (for example `Mark` or `Sarah`), or the UUID of a voice. Example: Mark.
            language (str): Language code (for example `en`, `es` or `fr`). Example: en.
            greeting (str): Greeting message for the agent: the first thing it says when `firstSpeaker` is `agent`. Required
                also when
                `firstSpeaker` is `user`, where it is not spoken. Whether an empty greeting is accepted is left to the
                service.
                 Example: Hello, this is the bicycle shop. How can I help?.
            model (str | Unset): LLM model to use. Known to the service are `llama` (taken when none is named), `gemma` and
                `glm`.
                 Example: llama.
            temperature (float | Unset): LLM temperature, from 0 to 1. Default: 0.0. Example: 0.3.
            first_speaker (CreateInlineCallRequestFirstSpeaker | Unset): Who speaks first.

                - `agent`: the agent speaks unasked. Its first audio comes within 10 seconds of the carrier's start message,
                  or, where there is none, of the opening of the socket.
                - `user`: the greeting is not spoken, and the agent is silent until the caller has spoken. A text message
                  from the caller counts as having spoken.
                 Default: CreateInlineCallRequestFirstSpeaker.AGENT. Example: agent.
            interruptible (bool | Unset): Whether the agent's speech can be interrupted. This applies to the agent's first
                message only.

                - `false`: what the caller says does not cut the first message.
                - `true`: it does. Within 2 seconds of the caller's speech the agent withdraws the audio that was not played
                  yet (Twilio and Telnyx: `clear`; Plivo: `clearAudio`; websocket: `playback_clear_buffer` and the state
                  `listening`).
                 Default: False. Example: True.
            max_duration (int | Unset): Maximum call duration in seconds; the default is 50 minutes. The clock runs from the
                dial, also when no
                start message ever comes. When it has run out, the agent's side ends the call, not more than 1 second early
                and not more than 5 seconds late: on `websocket` with a `hangup` message and then the close, for carriers
                with the close, on `webrtc` with the end of the control socket and the room.
                 Default: 3000. Example: 300.
            inactivity_timeout (int | Unset): Seconds of silence before the inactivity action; left out, the agent waits for
                ever. Silence is counted from
                the moment that both sides are silent: audio that a carrier has yet to play counts as speaking, a text
                message counts as the caller's activity, and an agent that waits for a tool's result is not silent. The
                agent speaks not more than 1 second before and not more than 10 seconds after the time has passed.
                 Example: 30.
            inactivity_action (CreateInlineCallRequestInactivityAction | Unset): Action when the inactivity timeout is
                reached. The agent speaks in both cases:

                - `hang_up`: then the call ends, within 30 seconds of that.
                - `prompt`: the agent goes on waiting for the caller.

                It has no effect without `inactivityTimeout`. Which action is taken when this field is left out is up to the
                service.
                 Example: prompt.
            recording_enabled (bool | Unset): Whether to record the call. Default: True. Example: False.
            connection_type (CreateInlineCallRequestConnectionType | Unset): Connection type for the call: who will dial the
                URL, and so what is spoken there. With `websocket`, both
                sample rates in the field `websocket` are required.
                 Default: CreateInlineCallRequestConnectionType.TWILIO. Example: websocket.
            websocket (AudioSettings | Unset): The audio of a `websocket` call. Both sample rates are required when
                `connectionType` is `websocket`. For every
                other connection type the whole object is ignored, and no rate is required: carriers always carry G.711 mu-law
                at 8000 Hz, both ways. Wrong values may be refused there all the same, and the mock does so.
                 Example: {'inputSampleRate': 16000, 'outputSampleRate': 16000}.
            selected_tools (list[SelectedTool] | Unset): The tools that the agent may use during the call. Example:
                [{'toolName': 'opening-hours'}].
            metadata (Metadata | Unset): Any keys and values of your own. Example: {'ticket': 'A-1042'}.
     """

    system_prompt: str
    voice: str
    language: str
    greeting: str
    model: str | Unset = UNSET
    temperature: float | Unset = 0.0
    first_speaker: CreateInlineCallRequestFirstSpeaker | Unset = CreateInlineCallRequestFirstSpeaker.AGENT
    interruptible: bool | Unset = False
    max_duration: int | Unset = 3000
    inactivity_timeout: int | Unset = UNSET
    inactivity_action: CreateInlineCallRequestInactivityAction | Unset = UNSET
    recording_enabled: bool | Unset = True
    connection_type: CreateInlineCallRequestConnectionType | Unset = CreateInlineCallRequestConnectionType.TWILIO
    websocket: AudioSettings | Unset = UNSET
    selected_tools: list[SelectedTool] | Unset = UNSET
    metadata: Metadata | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.audio_settings import AudioSettings # noqa: PLC0415
        from ..models.metadata import Metadata # noqa: PLC0415
        from ..models.selected_tool import SelectedTool # noqa: PLC0415
        system_prompt = self.system_prompt

        voice = self.voice

        language = self.language

        greeting = self.greeting

        model = self.model

        temperature = self.temperature

        first_speaker: str | Unset = UNSET
        if not isinstance(self.first_speaker, Unset):
            first_speaker = self.first_speaker.value


        interruptible = self.interruptible

        max_duration = self.max_duration

        inactivity_timeout = self.inactivity_timeout

        inactivity_action: str | Unset = UNSET
        if not isinstance(self.inactivity_action, Unset):
            inactivity_action = self.inactivity_action.value


        recording_enabled = self.recording_enabled

        connection_type: str | Unset = UNSET
        if not isinstance(self.connection_type, Unset):
            connection_type = self.connection_type.value


        websocket: dict[str, Any] | Unset = UNSET
        if not isinstance(self.websocket, Unset):
            websocket = self.websocket.to_dict()

        selected_tools: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.selected_tools, Unset):
            selected_tools = []
            for selected_tools_item_data in self.selected_tools:
                selected_tools_item = selected_tools_item_data.to_dict()
                selected_tools.append(selected_tools_item)



        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "systemPrompt": system_prompt,
            "voice": voice,
            "language": language,
            "greeting": greeting,
        })
        if model is not UNSET:
            field_dict["model"] = model
        if temperature is not UNSET:
            field_dict["temperature"] = temperature
        if first_speaker is not UNSET:
            field_dict["firstSpeaker"] = first_speaker
        if interruptible is not UNSET:
            field_dict["interruptible"] = interruptible
        if max_duration is not UNSET:
            field_dict["maxDuration"] = max_duration
        if inactivity_timeout is not UNSET:
            field_dict["inactivityTimeout"] = inactivity_timeout
        if inactivity_action is not UNSET:
            field_dict["inactivityAction"] = inactivity_action
        if recording_enabled is not UNSET:
            field_dict["recordingEnabled"] = recording_enabled
        if connection_type is not UNSET:
            field_dict["connectionType"] = connection_type
        if websocket is not UNSET:
            field_dict["websocket"] = websocket
        if selected_tools is not UNSET:
            field_dict["selectedTools"] = selected_tools
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.audio_settings import AudioSettings # noqa: PLC0415
        from ..models.metadata import Metadata # noqa: PLC0415
        from ..models.selected_tool import SelectedTool # noqa: PLC0415
        d = dict(src_dict)
        system_prompt = d.pop("systemPrompt")

        voice = d.pop("voice")

        language = d.pop("language")

        greeting = d.pop("greeting")

        model = d.pop("model", UNSET)

        temperature = d.pop("temperature", UNSET)

        _first_speaker = d.pop("firstSpeaker", UNSET)
        first_speaker: CreateInlineCallRequestFirstSpeaker | Unset
        if isinstance(_first_speaker,  Unset):
            first_speaker = UNSET
        else:
            first_speaker = CreateInlineCallRequestFirstSpeaker(_first_speaker)




        interruptible = d.pop("interruptible", UNSET)

        max_duration = d.pop("maxDuration", UNSET)

        inactivity_timeout = d.pop("inactivityTimeout", UNSET)

        _inactivity_action = d.pop("inactivityAction", UNSET)
        inactivity_action: CreateInlineCallRequestInactivityAction | Unset
        if isinstance(_inactivity_action,  Unset):
            inactivity_action = UNSET
        else:
            inactivity_action = CreateInlineCallRequestInactivityAction(_inactivity_action)




        recording_enabled = d.pop("recordingEnabled", UNSET)

        _connection_type = d.pop("connectionType", UNSET)
        connection_type: CreateInlineCallRequestConnectionType | Unset
        if isinstance(_connection_type,  Unset):
            connection_type = UNSET
        else:
            connection_type = CreateInlineCallRequestConnectionType(_connection_type)




        _websocket = d.pop("websocket", UNSET)
        websocket: AudioSettings | Unset
        if isinstance(_websocket,  Unset):
            websocket = UNSET
        else:
            websocket = AudioSettings.from_dict(_websocket)




        _selected_tools = d.pop("selectedTools", UNSET)
        selected_tools: list[SelectedTool] | Unset = UNSET
        if _selected_tools is not UNSET:
            selected_tools = []
            for selected_tools_item_data in _selected_tools:
                selected_tools_item = SelectedTool.from_dict(selected_tools_item_data)



                selected_tools.append(selected_tools_item)


        _metadata = d.pop("metadata", UNSET)
        metadata: Metadata | Unset
        if isinstance(_metadata,  Unset):
            metadata = UNSET
        else:
            metadata = Metadata.from_dict(_metadata)




        create_inline_call_request = cls(
            system_prompt=system_prompt,
            voice=voice,
            language=language,
            greeting=greeting,
            model=model,
            temperature=temperature,
            first_speaker=first_speaker,
            interruptible=interruptible,
            max_duration=max_duration,
            inactivity_timeout=inactivity_timeout,
            inactivity_action=inactivity_action,
            recording_enabled=recording_enabled,
            connection_type=connection_type,
            websocket=websocket,
            selected_tools=selected_tools,
            metadata=metadata,
        )


        create_inline_call_request.additional_properties = d
        return create_inline_call_request

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
