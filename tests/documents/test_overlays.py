"""The overlays that are shipped: good overlays, which make a good document, and do what the contract says of them."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema_rs import Draft4Validator
from oas_patch import validate  # type: ignore[import-untyped]  # it ships no types
from openapi_spec_validator import validate as validate_openapi

from contract import documents
from contract.openapi_schema import as_draft4
from contract.overlays import http_contract

SHIPPED = pytest.mark.parametrize("name", documents.shipped_overlays())
CREATE = "CreateCallRequest"


@SHIPPED
def test_a_shipped_overlay_is_one_and_makes_a_good_document(name: str) -> None:
    overlay = documents.read_mapping(documents.overlay_text(name), name)
    assert validate(overlay, "sh") == "Validation successful"
    # OpenAPI Overlay 1.0.0 has no more in its head, though the library's schema lets more through.
    assert overlay["info"].keys() == {"title", "version"} and overlay["extends"] == "../calls.yaml"
    validate_openapi(http_contract([name]).document)


def values_named(schema: Any) -> list[tuple[str, str]]:
    """The values that any part of a schema says an overlay lets through, and the overlay."""
    if isinstance(schema, list):
        return [pair for part in schema for pair in values_named(part)]
    if not isinstance(schema, dict):
        return []
    own = list(schema.get("x-overlays", {}).items())
    return own + [pair for part in schema.values() for pair in values_named(part)]


def test_the_document_names_overlays_that_there_are() -> None:
    assert values_named(documents.openapi()) == [("webrtc", "webrtc-on-create")]
    assert {name for _, name in values_named(documents.openapi())} <= set(documents.shipped_overlays())


def fits(document: Any, schema: str, body: Any) -> bool:
    named = documents.resolved(document)["components"]["schemas"][schema]
    return Draft4Validator(as_draft4(named), validate_formats=True).is_valid(body)


def test_webrtc_on_create_lets_webrtc_through_and_nothing_else() -> None:
    plain, changed = documents.openapi(), http_contract(["webrtc-on-create"]).document
    body = {"agentId": "a", "connectionType": "webrtc"}
    assert (fits(plain, CREATE, body), fits(changed, CREATE, body)) == (False, True)
    assert not fits(changed, CREATE, body | {"connectionType": "vonage"})
    assert not fits(changed, CREATE, {"connectionType": "webrtc"})
    assert values_named(changed) == []
    assert changed["paths"]["/calls/inline"] == plain["paths"]["/calls/inline"]
    for name, schema in plain["components"]["schemas"].items():
        assert changed["components"]["schemas"][name] == schema or name == CREATE


def test_the_examples_that_it_adds_fit() -> None:
    post = documents.resolved(http_contract(["webrtc-on-create"]).document)["paths"]["/calls/create"]["post"]
    request, answer = post["requestBody"], post["responses"]["201"]
    for place in (request, answer):
        content = place["content"]["application/json"]
        value = content["examples"]["webrtc"]["value"]
        assert value["connectionType"] == "webrtc"
        assert Draft4Validator(as_draft4(content["schema"])).is_valid(value)
        assert len(content["examples"]) == 6 if place is request else len(content["examples"]) == 5
