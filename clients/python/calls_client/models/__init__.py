""" Contains all the data models used in inputs/outputs """

from .agent import Agent
from .audio_settings import AudioSettings
from .audio_settings_codec import AudioSettingsCodec
from .create_call_request import CreateCallRequest
from .create_call_request_connection_type import CreateCallRequestConnectionType
from .create_inline_call_request import CreateInlineCallRequest
from .create_inline_call_request_connection_type import CreateInlineCallRequestConnectionType
from .create_inline_call_request_first_speaker import CreateInlineCallRequestFirstSpeaker
from .create_inline_call_request_inactivity_action import CreateInlineCallRequestInactivityAction
from .created_agent_call import CreatedAgentCall
from .created_call import CreatedCall
from .created_call_connection_type import CreatedCallConnectionType
from .created_call_status import CreatedCallStatus
from .dynamic_parameter import DynamicParameter
from .dynamic_parameter_schema import DynamicParameterSchema
from .error import Error
from .error_detail import ErrorDetail
from .http_transport import HttpTransport
from .metadata import Metadata
from .parameter_location import ParameterLocation
from .preset_parameter import PresetParameter
from .selected_tool import SelectedTool
from .temporary_tool import TemporaryTool
from .temporary_tool_client import TemporaryToolClient
from .temporary_tool_data_connection import TemporaryToolDataConnection

__all__ = (
    "Agent",
    "AudioSettings",
    "AudioSettingsCodec",
    "CreateCallRequest",
    "CreateCallRequestConnectionType",
    "CreatedAgentCall",
    "CreatedCall",
    "CreatedCallConnectionType",
    "CreatedCallStatus",
    "CreateInlineCallRequest",
    "CreateInlineCallRequestConnectionType",
    "CreateInlineCallRequestFirstSpeaker",
    "CreateInlineCallRequestInactivityAction",
    "DynamicParameter",
    "DynamicParameterSchema",
    "Error",
    "ErrorDetail",
    "HttpTransport",
    "Metadata",
    "ParameterLocation",
    "PresetParameter",
    "SelectedTool",
    "TemporaryTool",
    "TemporaryToolClient",
    "TemporaryToolDataConnection",
)
