from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.parameter_location import ParameterLocation
from ..types import UNSET, Unset






T = TypeVar("T", bound="PresetParameter")



@_attrs_define
class PresetParameter:
    """ A parameter of a tool that is not the model's to fill in. Further keys say its value.

        Attributes:
            name (str | Unset): The name of the parameter. Example: shop.
            location (ParameterLocation | Unset): Where in the request to the tool the parameter goes. Example:
                PARAMETER_LOCATION_BODY.
     """

    name: str | Unset = UNSET
    location: ParameterLocation | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        name = self.name

        location: str | Unset = UNSET
        if not isinstance(self.location, Unset):
            location = self.location.value



        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
        })
        if name is not UNSET:
            field_dict["name"] = name
        if location is not UNSET:
            field_dict["location"] = location

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name", UNSET)

        _location = d.pop("location", UNSET)
        location: ParameterLocation | Unset
        if isinstance(_location,  Unset):
            location = UNSET
        else:
            location = ParameterLocation(_location)




        preset_parameter = cls(
            name=name,
            location=location,
        )


        preset_parameter.additional_properties = d
        return preset_parameter

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
