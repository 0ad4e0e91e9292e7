from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.parameter_location import ParameterLocation
from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
  from ..models.dynamic_parameter_schema import DynamicParameterSchema





T = TypeVar("T", bound="DynamicParameter")



@_attrs_define
class DynamicParameter:
    """ A parameter of a tool that the model fills in.

        Attributes:
            name (str | Unset): The name of the parameter. Example: day.
            location (ParameterLocation | Unset): Where in the request to the tool the parameter goes. Example:
                PARAMETER_LOCATION_BODY.
            schema (DynamicParameterSchema | Unset): JSON Schema of the value. Example: {'type': 'string', 'enum':
                ['monday', 'tuesday']}.
            required (bool | Unset): Whether the model has to give a value. Example: True.
     """

    name: str | Unset = UNSET
    location: ParameterLocation | Unset = UNSET
    schema: DynamicParameterSchema | Unset = UNSET
    required: bool | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.dynamic_parameter_schema import DynamicParameterSchema # noqa: PLC0415
        name = self.name

        location: str | Unset = UNSET
        if not isinstance(self.location, Unset):
            location = self.location.value


        schema: dict[str, Any] | Unset = UNSET
        if not isinstance(self.schema, Unset):
            schema = self.schema.to_dict()

        required = self.required


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
        })
        if name is not UNSET:
            field_dict["name"] = name
        if location is not UNSET:
            field_dict["location"] = location
        if schema is not UNSET:
            field_dict["schema"] = schema
        if required is not UNSET:
            field_dict["required"] = required

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.dynamic_parameter_schema import DynamicParameterSchema # noqa: PLC0415
        d = dict(src_dict)
        name = d.pop("name", UNSET)

        _location = d.pop("location", UNSET)
        location: ParameterLocation | Unset
        if isinstance(_location,  Unset):
            location = UNSET
        else:
            location = ParameterLocation(_location)




        _schema = d.pop("schema", UNSET)
        schema: DynamicParameterSchema | Unset
        if isinstance(_schema,  Unset):
            schema = UNSET
        else:
            schema = DynamicParameterSchema.from_dict(_schema)




        required = d.pop("required", UNSET)

        dynamic_parameter = cls(
            name=name,
            location=location,
            schema=schema,
            required=required,
        )


        dynamic_parameter.additional_properties = d
        return dynamic_parameter

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
