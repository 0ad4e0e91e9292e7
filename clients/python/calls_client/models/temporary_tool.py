from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
  from ..models.dynamic_parameter import DynamicParameter
  from ..models.http_transport import HttpTransport
  from ..models.preset_parameter import PresetParameter
  from ..models.temporary_tool_client import TemporaryToolClient
  from ..models.temporary_tool_data_connection import TemporaryToolDataConnection





T = TypeVar("T", bound="TemporaryTool")



@_attrs_define
class TemporaryTool:
    """ A tool that exists for this call alone. At most one of `http`, `client` and `dataConnection` says where it runs.

        Attributes:
            model_tool_name (str): The name by which the model calls the tool: a letter, then letters, digits and
                underscores, at most 64
                characters.
                 Example: book_repair.
            description (str | Unset): What the tool does and when to use it, written for the model. Example: Books a
                repair. Use it when the caller has agreed to a day..
            timeout (str | Unset): How long the tool may take: a decimal number of seconds followed by `s`, more than 0 and
                at most 40.
                 Example: 2.5s.
            precomputable (bool | Unset): Whether the tool may be called before it is certain that its result is needed.
                Example: False.
            default_reaction (str | Unset): What the agent does once the result is there, if the result does not say it.
                Example: AGENT_REACTION_SPEAKS.
            dynamic_parameters (list[DynamicParameter] | Unset): The parameters that the model fills in. Example: [{'name':
                'day', 'location': 'PARAMETER_LOCATION_BODY', 'schema': {'type': 'string'}, 'required': True}].
            static_parameters (list[PresetParameter] | Unset): Parameters with a fixed value, which the model does not see.
                Example: [{'name': 'shop', 'location': 'PARAMETER_LOCATION_QUERY', 'value': 'north'}].
            automatic_parameters (list[PresetParameter] | Unset): Parameters whose value the service fills in. Example:
                [{'name': 'call', 'location': 'PARAMETER_LOCATION_HEADER'}].
            http (HttpTransport | Unset): The service calls the tool over HTTP. Example: {'baseUrlPattern':
                'https://shop.example.com/repairs', 'httpMethod': 'POST'}.
            client (TemporaryToolClient | Unset): The tool runs at the other end of the socket. The agent sends
                `client_tool_invocation` there and says
                nothing for it until a `client_tool_result` with the same `invocationId` comes. A result with an unknown id,
                or a second one with the same id, is ignored; what the caller says meanwhile is answered.
                 Example: {}.
            data_connection (TemporaryToolDataConnection | Unset): The tool runs at the far end of a data connection.
                Example: {}.
     """

    model_tool_name: str
    description: str | Unset = UNSET
    timeout: str | Unset = UNSET
    precomputable: bool | Unset = UNSET
    default_reaction: str | Unset = UNSET
    dynamic_parameters: list[DynamicParameter] | Unset = UNSET
    static_parameters: list[PresetParameter] | Unset = UNSET
    automatic_parameters: list[PresetParameter] | Unset = UNSET
    http: HttpTransport | Unset = UNSET
    client: TemporaryToolClient | Unset = UNSET
    data_connection: TemporaryToolDataConnection | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.dynamic_parameter import DynamicParameter # noqa: PLC0415
        from ..models.http_transport import HttpTransport # noqa: PLC0415
        from ..models.preset_parameter import PresetParameter # noqa: PLC0415
        from ..models.temporary_tool_client import TemporaryToolClient # noqa: PLC0415
        from ..models.temporary_tool_data_connection import TemporaryToolDataConnection # noqa: PLC0415
        model_tool_name = self.model_tool_name

        description = self.description

        timeout = self.timeout

        precomputable = self.precomputable

        default_reaction = self.default_reaction

        dynamic_parameters: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.dynamic_parameters, Unset):
            dynamic_parameters = []
            for dynamic_parameters_item_data in self.dynamic_parameters:
                dynamic_parameters_item = dynamic_parameters_item_data.to_dict()
                dynamic_parameters.append(dynamic_parameters_item)



        static_parameters: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.static_parameters, Unset):
            static_parameters = []
            for static_parameters_item_data in self.static_parameters:
                static_parameters_item = static_parameters_item_data.to_dict()
                static_parameters.append(static_parameters_item)



        automatic_parameters: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.automatic_parameters, Unset):
            automatic_parameters = []
            for automatic_parameters_item_data in self.automatic_parameters:
                automatic_parameters_item = automatic_parameters_item_data.to_dict()
                automatic_parameters.append(automatic_parameters_item)



        http: dict[str, Any] | Unset = UNSET
        if not isinstance(self.http, Unset):
            http = self.http.to_dict()

        client: dict[str, Any] | Unset = UNSET
        if not isinstance(self.client, Unset):
            client = self.client.to_dict()

        data_connection: dict[str, Any] | Unset = UNSET
        if not isinstance(self.data_connection, Unset):
            data_connection = self.data_connection.to_dict()


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
            "modelToolName": model_tool_name,
        })
        if description is not UNSET:
            field_dict["description"] = description
        if timeout is not UNSET:
            field_dict["timeout"] = timeout
        if precomputable is not UNSET:
            field_dict["precomputable"] = precomputable
        if default_reaction is not UNSET:
            field_dict["defaultReaction"] = default_reaction
        if dynamic_parameters is not UNSET:
            field_dict["dynamicParameters"] = dynamic_parameters
        if static_parameters is not UNSET:
            field_dict["staticParameters"] = static_parameters
        if automatic_parameters is not UNSET:
            field_dict["automaticParameters"] = automatic_parameters
        if http is not UNSET:
            field_dict["http"] = http
        if client is not UNSET:
            field_dict["client"] = client
        if data_connection is not UNSET:
            field_dict["dataConnection"] = data_connection

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.dynamic_parameter import DynamicParameter # noqa: PLC0415
        from ..models.http_transport import HttpTransport # noqa: PLC0415
        from ..models.preset_parameter import PresetParameter # noqa: PLC0415
        from ..models.temporary_tool_client import TemporaryToolClient # noqa: PLC0415
        from ..models.temporary_tool_data_connection import TemporaryToolDataConnection # noqa: PLC0415
        d = dict(src_dict)
        model_tool_name = d.pop("modelToolName")

        description = d.pop("description", UNSET)

        timeout = d.pop("timeout", UNSET)

        precomputable = d.pop("precomputable", UNSET)

        default_reaction = d.pop("defaultReaction", UNSET)

        _dynamic_parameters = d.pop("dynamicParameters", UNSET)
        dynamic_parameters: list[DynamicParameter] | Unset = UNSET
        if _dynamic_parameters is not UNSET:
            dynamic_parameters = []
            for dynamic_parameters_item_data in _dynamic_parameters:
                dynamic_parameters_item = DynamicParameter.from_dict(dynamic_parameters_item_data)



                dynamic_parameters.append(dynamic_parameters_item)


        _static_parameters = d.pop("staticParameters", UNSET)
        static_parameters: list[PresetParameter] | Unset = UNSET
        if _static_parameters is not UNSET:
            static_parameters = []
            for static_parameters_item_data in _static_parameters:
                static_parameters_item = PresetParameter.from_dict(static_parameters_item_data)



                static_parameters.append(static_parameters_item)


        _automatic_parameters = d.pop("automaticParameters", UNSET)
        automatic_parameters: list[PresetParameter] | Unset = UNSET
        if _automatic_parameters is not UNSET:
            automatic_parameters = []
            for automatic_parameters_item_data in _automatic_parameters:
                automatic_parameters_item = PresetParameter.from_dict(automatic_parameters_item_data)



                automatic_parameters.append(automatic_parameters_item)


        _http = d.pop("http", UNSET)
        http: HttpTransport | Unset
        if isinstance(_http,  Unset):
            http = UNSET
        else:
            http = HttpTransport.from_dict(_http)




        _client = d.pop("client", UNSET)
        client: TemporaryToolClient | Unset
        if isinstance(_client,  Unset):
            client = UNSET
        else:
            client = TemporaryToolClient.from_dict(_client)




        _data_connection = d.pop("dataConnection", UNSET)
        data_connection: TemporaryToolDataConnection | Unset
        if isinstance(_data_connection,  Unset):
            data_connection = UNSET
        else:
            data_connection = TemporaryToolDataConnection.from_dict(_data_connection)




        temporary_tool = cls(
            model_tool_name=model_tool_name,
            description=description,
            timeout=timeout,
            precomputable=precomputable,
            default_reaction=default_reaction,
            dynamic_parameters=dynamic_parameters,
            static_parameters=static_parameters,
            automatic_parameters=automatic_parameters,
            http=http,
            client=client,
            data_connection=data_connection,
        )


        temporary_tool.additional_properties = d
        return temporary_tool

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
