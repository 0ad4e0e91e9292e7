from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
  from ..models.temporary_tool import TemporaryTool





T = TypeVar("T", bound="SelectedTool")



@_attrs_define
class SelectedTool:
    """ One tool for the agent, named in exactly one of three ways: by `toolId`, by `toolName`, or described on the spot
    as `temporaryTool`.

        Attributes:
            tool_id (str | Unset): The id of a saved tool. Example: cmsample0000108l4tool0001.
            tool_name (str | Unset): The name of a saved tool. Example: opening-hours.
            temporary_tool (TemporaryTool | Unset): A tool that exists for this call alone. At most one of `http`, `client`
                and `dataConnection` says where it runs.
     """

    tool_id: str | Unset = UNSET
    tool_name: str | Unset = UNSET
    temporary_tool: TemporaryTool | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)





    def to_dict(self) -> dict[str, Any]:
        from ..models.temporary_tool import TemporaryTool # noqa: PLC0415
        tool_id = self.tool_id

        tool_name = self.tool_name

        temporary_tool: dict[str, Any] | Unset = UNSET
        if not isinstance(self.temporary_tool, Unset):
            temporary_tool = self.temporary_tool.to_dict()


        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({
        })
        if tool_id is not UNSET:
            field_dict["toolId"] = tool_id
        if tool_name is not UNSET:
            field_dict["toolName"] = tool_name
        if temporary_tool is not UNSET:
            field_dict["temporaryTool"] = temporary_tool

        return field_dict



    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.temporary_tool import TemporaryTool # noqa: PLC0415
        d = dict(src_dict)
        tool_id = d.pop("toolId", UNSET)

        tool_name = d.pop("toolName", UNSET)

        _temporary_tool = d.pop("temporaryTool", UNSET)
        temporary_tool: TemporaryTool | Unset
        if isinstance(_temporary_tool,  Unset):
            temporary_tool = UNSET
        else:
            temporary_tool = TemporaryTool.from_dict(_temporary_tool)




        selected_tool = cls(
            tool_id=tool_id,
            tool_name=tool_name,
            temporary_tool=temporary_tool,
        )


        selected_tool.additional_properties = d
        return selected_tool

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
