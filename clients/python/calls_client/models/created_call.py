from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.created_call_connection_type import CreatedCallConnectionType
from ..models.created_call_status import CreatedCallStatus
from typing import cast
import datetime






T = TypeVar("T", bound="CreatedCall")



@_attrs_define
class CreatedCall:
    """ A call that waits to be dialled.

        Attributes:
            id (str): Unique for each call. The service's ids are strings of 25 characters. Example:
                cmsample0000108l4call0001.
            websocket_url (str): The address to dial, `ws://` or `wss://`. Treat it like a password: **whoever holds the URL
                holds the
                call.**

                - **The URL is the credential.** The socket asks for no key and no subprotocol. The URL is unique for each
                  call and cannot be guessed (at least 128 random bits, never sequential, never holding the API key).
                - **Everything that identifies the call is in the path**, since carriers drop the query string. Unknown
                  query parameters are ignored.
                - **Single-use.** Only a successful upgrade (101) uses the URL up, even when many dial at the same moment. A
                  plain HTTP GET, a bad handshake or a refused `Origin` does not.
                - **Short-lived.** It has to be dialled soon after the call was created. How soon is up to the service; the
                  mock gives it 60 seconds unless told otherwise.
                - **Refused alike.** A used, an expired and an unknown URL are answered in the same way, so that nothing can
                  be learnt from it: with any answer but 101 (the mock: 404 in the shape of an error), or with a close
                  within 2 seconds and no message before it (code 1008). A plain GET never answers 2xx, and is the same for
                  live and dead URLs.

                Either side ends the call by closing the socket; the agent's side closes with code 1000. A peer that
                vanishes frees everything that the call held.
                 Example: wss://calls.example.com/media/sample-token-not-a-real-one.
            status (CreatedCallStatus): Where the call is in its life; `created` in this answer. Example: created.
            connection_type (CreatedCallConnectionType): The connection type in force, the default included. It says what is
                spoken at `websocketUrl`:

                - `twilio`, `telnyx`, `plivo`: the agent's side of the carrier's own protocol. Audio is G.711 mu-law at 8000
                  Hz, one channel, both ways, in base64 and without a file header, whatever `websocket` asked for; A-law
                  from Telnyx is understood when its start message says `PCMA`. The agent sends nothing before the carrier's
                  start message and puts the right stream id on what it sends. Key presses, marks and stop are understood;
                  unknown events and binary messages are survived. After the carrier's stop the agent's audio ceases within
                  1 second and the socket is closed within 5.
                - `websocket`: binary messages are audio as `websocket` asked for, text messages are JSON objects with a
                  `type`.
                - `webrtc`: one JSON message with `roomUrl` and `token`. The token, a LiveKit access token, opens the room
                  in which the call takes place. The call ends with the control socket and the room.

                On all of them, the agent answers what the caller says with audio that begins within 10 seconds of the end
                of the caller's speech.
                 Example: twilio.
            created_at (datetime.datetime): The moment of creation (RFC 3339). Forgive a clock that is up to 5 minutes off.
                Example: 2026-11-22T10:23:16.512Z.
     """

    id: str
    websocket_url: str
    status: CreatedCallStatus
    connection_type: CreatedCallConnectionType
    created_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        id = self.id

        websocket_url = self.websocket_url

        status = self.status.value

        connection_type = self.connection_type.value

        created_at = self.created_at.isoformat()


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "id": id,
            "websocketUrl": websocket_url,
            "status": status,
            "connectionType": connection_type,
            "createdAt": created_at,
        })

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        websocket_url = d.pop("websocketUrl")

        status = CreatedCallStatus(d.pop("status"))




        connection_type = CreatedCallConnectionType(d.pop("connectionType"))




        created_at = datetime.datetime.fromisoformat(d.pop("createdAt"))




        created_call = cls(
            id=id,
            websocket_url=websocket_url,
            status=status,
            connection_type=connection_type,
            created_at=created_at,
        )


        created_call.additional_properties = d
        return created_call

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
