from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset






T = TypeVar("T", bound="HttpTransport")



@_attrs_define
class HttpTransport:
    """ The service calls the tool over HTTP.

        Example:
            {'baseUrlPattern': 'https://shop.example.com/repairs', 'httpMethod': 'POST'}

        Attributes:
            base_url_pattern (str | Unset): The address of the tool, with the names of path parameters in braces. Example:
                https://shop.example.com/repairs/{day}.
            http_method (str | Unset): The HTTP method of the request. Example: POST.
     """

    base_url_pattern: str | Unset = UNSET
    http_method: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        base_url_pattern = self.base_url_pattern

        http_method = self.http_method


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
        })
        if base_url_pattern is not UNSET:
            field_dict["baseUrlPattern"] = base_url_pattern
        if http_method is not UNSET:
            field_dict["httpMethod"] = http_method

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        base_url_pattern = d.pop("baseUrlPattern", UNSET)

        http_method = d.pop("httpMethod", UNSET)

        http_transport = cls(
            base_url_pattern=base_url_pattern,
            http_method=http_method,
        )


        http_transport.additional_properties = d
        return http_transport

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
