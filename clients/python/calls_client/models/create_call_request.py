from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.create_call_request_connection_type import CreateCallRequestConnectionType
from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
  from ..models.audio_settings import AudioSettings
  from ..models.metadata import Metadata





T = TypeVar("T", bound="CreateCallRequest")



@_attrs_define
class CreateCallRequest:
    """ Which saved agent takes the call, and who will dial it. Unknown fields are accepted and ignored.

        Attributes:
            agent_id (str): The ID of the agent to use for this call. Ids of the service are strings of 25 characters, such
                as
                `cmsample0000108l4agent001`. An agent that does not exist, is inactive or belongs to another workspace is
                answered with 404.
                 Example: agent_demo.
            connection_type (CreateCallRequestConnectionType | Unset): The telephony provider connection type: who will dial
                the URL, and so what is spoken there. With
                `websocket`, both sample rates in the field `websocket` are required.
                 Default: CreateCallRequestConnectionType.TWILIO. Example: telnyx.
            websocket (AudioSettings | Unset): The audio of a `websocket` call. Both sample rates are required when
                `connectionType` is `websocket`. For every
                other connection type the whole object is ignored, and no rate is required: carriers always carry G.711 mu-law
                at 8000 Hz, both ways. Wrong values may be refused there all the same, and the mock does so.
                 Example: {'inputSampleRate': 16000, 'outputSampleRate': 16000}.
            metadata (Metadata | Unset): Any keys and values of your own. Example: {'ticket': 'A-1042'}.
     """

    agent_id: str
    connection_type: CreateCallRequestConnectionType | Unset = CreateCallRequestConnectionType.TWILIO
    websocket: AudioSettings | Unset = UNSET
    metadata: Metadata | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.audio_settings import AudioSettings # noqa: PLC0415
        from ..models.metadata import Metadata # noqa: PLC0415
        agent_id = self.agent_id

        connection_type: str | Unset = UNSET
        if not isinstance(self.connection_type, Unset):
            connection_type = self.connection_type.value


        websocket: dict[str, Any] | Unset = UNSET
        if not isinstance(self.websocket, Unset):
            websocket = self.websocket.to_dict()

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "agentId": agent_id,
        })
        if connection_type is not UNSET:
            field_dict["connectionType"] = connection_type
        if websocket is not UNSET:
            field_dict["websocket"] = websocket
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.audio_settings import AudioSettings # noqa: PLC0415
        from ..models.metadata import Metadata # noqa: PLC0415
        d = dict(src_dict)
        agent_id = d.pop("agentId")

        _connection_type = d.pop("connectionType", UNSET)
        connection_type: CreateCallRequestConnectionType | Unset
        if isinstance(_connection_type,  Unset):
            connection_type = UNSET
        else:
            connection_type = CreateCallRequestConnectionType(_connection_type)




        _websocket = d.pop("websocket", UNSET)
        websocket: AudioSettings | Unset
        if isinstance(_websocket,  Unset):
            websocket = UNSET
        else:
            websocket = AudioSettings.from_dict(_websocket)




        _metadata = d.pop("metadata", UNSET)
        metadata: Metadata | Unset
        if isinstance(_metadata,  Unset):
            metadata = UNSET
        else:
            metadata = Metadata.from_dict(_metadata)




        create_call_request = cls(
            agent_id=agent_id,
            connection_type=connection_type,
            websocket=websocket,
            metadata=metadata,
        )


        create_call_request.additional_properties = d
        return create_call_request

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
