"""Telnyx's official package has no types for the media socket; what it has for the commands around it is ours, too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
from telnyx.types import StreamBidirectionalCodec, StreamBidirectionalMode, StreamBidirectionalSamplingRate, StreamCodec
from telnyx.types.call_streaming_started import Payload
from telnyx.types.calls.action_start_streaming_params import ActionStartStreamingParams
from telnyx.types.texml.accounts.call_streams_json_params import CallStreamsJsonParams

from tests.documents.payloads import document, message, recorded

README = Path(__file__).resolve().parents[2] / "README.md"

START: dict[str, Any] = message("telnyx", "start")["payload"]["properties"]["start"]["properties"]
HEARD_CODECS = START["media_format"]["properties"]["encoding"]["enum"]


def texml_fields() -> dict[str, Any]:
    """The attributes of TeXML's <Stream> as the package knows them, by their name in lower camel case."""
    fields = {}
    for hint in get_type_hints(CallStreamsJsonParams, include_extras=True).values():
        if get_origin(hint) is Annotated:
            kind, alias = get_args(hint)
            fields[alias.alias[0].lower() + alias.alias[1:]] = get_args(kind)
    return fields


def readme_stream() -> dict[str, str]:
    """The attributes of the <Stream> that the README gives for Telnyx."""
    element = re.search(r"<Stream\s([^>]*bidirectionalMode[^>]*)/>", README.read_text(encoding="utf-8"))
    assert element, "the README has no TeXML for Telnyx"
    return dict(re.findall(r'(\w+)="([^"]*)"', element[1]))


def test_the_codecs_that_we_understand_are_codecs_that_telnyx_sends() -> None:
    assert set(HEARD_CODECS) == {"PCMU", "PCMA"} <= set(get_args(StreamCodec))


def test_what_we_send_is_what_telnyx_plays_in_rtp_mode() -> None:
    # What we send is mu-law at 8000 Hz, which telephony calls PCMU.
    audio = document("telnyx")["x-stream"]["audio"]
    assert audio == {"encoding": "mulaw", "sampleRate": 8000}
    assert "PCMU" in get_args(StreamBidirectionalCodec)
    assert audio["sampleRate"] in get_args(StreamBidirectionalSamplingRate)
    assert "rtp" in get_args(StreamBidirectionalMode)


@pytest.mark.parametrize("attribute", ("bidirectionalMode", "bidirectionalCodec"))
def test_the_readmes_texml_says_what_the_package_allows(attribute: str) -> None:
    assert readme_stream()[attribute] in texml_fields()[attribute]


def test_the_readmes_commands_are_fields_of_the_package_with_allowed_values() -> None:
    named = dict(re.findall(r"`(stream_\w+)(?:: (\w+))?`", README.read_text(encoding="utf-8")))
    assert named == {"stream_url": "", "stream_bidirectional_mode": "rtp", "stream_bidirectional_codec": "PCMU"}
    hints = get_type_hints(ActionStartStreamingParams)
    for name, value in named.items():
        assert name in hints
        assert not value or value in get_args(hints[name])


@pytest.mark.parametrize("field", ("call_control_id", "call_session_id", "client_state"))
def test_the_start_message_names_the_call_as_the_packages_events_do(field: str) -> None:
    assert field in START
    assert field in Payload.model_fields


def test_the_start_message_carries_the_custom_parameters_of_the_command() -> None:
    assert "custom_parameters" in START
    assert "custom_parameters" in get_type_hints(ActionStartStreamingParams)


def test_recorded_start_messages_make_the_packages_event() -> None:
    starts = [line["message"]["start"] for line in recorded("telnyx") if line["event"] == "Started"]
    assert starts
    for start in starts:
        shared = {name: start[name] for name in Payload.model_fields if name in start}
        assert Payload.model_validate(shared, strict=True).call_control_id == start["call_control_id"]
