from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract import documents
from contract.errors import DocumentError
from contract.overlays import http_contract

HEAD = "overlay: 1.0.0\ninfo: {title: A test, version: '1'}\n"
MODEL = "$.components.schemas.CreateInlineCallRequest.properties.model"


def overlay(folder: Path, text: str) -> str:
    """The name of an overlay with this text."""
    path = folder / "mine.yaml"
    path.write_text(text)
    return str(path)


def changed(folder: Path, *actions: str) -> Any:
    """The document with these actions."""
    return http_contract([overlay(folder, f"{HEAD}actions:\n" + "".join(f"- {each}\n" for each in actions))]).document


def schemas(document: Any) -> Any:
    return document["components"]["schemas"]


def test_without_overlays_it_is_the_shipped_document_as_it_was_written() -> None:
    plain = http_contract()
    assert (plain.document, plain.text) == (documents.openapi(), documents.openapi_text())
    assert plain.name == "openapi/calls.yaml"


def test_what_is_shown_is_what_is_in_force() -> None:
    found = http_contract(["webrtc-on-create"])
    assert documents.read_mapping(found.text, "shown") == found.document != documents.openapi()
    # Whoever reads it with another library finds the same texts: no times, no references.
    assert yaml.safe_load(found.text) == found.document
    assert found.text.startswith(b"# openapi/calls.yaml with the overlay webrtc-on-create (4 actions).\n")
    assert b"description: |\n" in found.text


def test_objects_are_merged_and_what_they_hold_stays(tmp_path: Path) -> None:
    before = schemas(documents.openapi())["CreateInlineCallRequest"]["properties"]["model"]
    document = changed(tmp_path, f"{{target: {MODEL}, update: {{enum: [llama], x-new: {{a: 1}}}}}}")
    model = schemas(document)["CreateInlineCallRequest"]["properties"]["model"]
    assert model == {**before, "enum": ["llama"], "x-new": {"a": 1}}


def test_an_array_gets_an_entry_even_where_that_is_an_array(tmp_path: Path) -> None:
    target = "$.components.schemas.CreateCallRequest.required"
    document = changed(tmp_path, f"{{target: {target}, update: metadata}}", f"{{target: {target}, update: [a, b]}}")
    assert schemas(document)["CreateCallRequest"]["required"] == ["agentId", "metadata", ["a", "b"]]


def test_an_item_of_an_array_is_merged(tmp_path: Path) -> None:
    document = changed(tmp_path, "{target: '$.servers[0]', update: {description: Another}}")
    assert document["servers"][0] == {**documents.openapi()["servers"][0], "description": "Another"}


def test_an_update_of_many_places_leaves_them_apart(tmp_path: Path) -> None:
    places = "{target: '$.components.schemas[CreatedCall,Agent]', update: {x-notes: {seen: [1]}}}"
    document = changed(tmp_path, places, "{target: '$.components.schemas.Agent.x-notes.seen', update: 2}")
    assert schemas(document)["Agent"]["x-notes"] == {"seen": [1, 2]}
    assert schemas(document)["CreatedCall"]["x-notes"] == {"seen": [1]}


def test_what_is_to_be_removed_goes_and_nothing_else(tmp_path: Path) -> None:
    enum = "$.components.schemas.CreateInlineCallRequest.properties.connectionType.enum"
    document = changed(
        tmp_path,
        f"{{target: '{enum}[0,1]', remove: true}}",
        f"{{target: {MODEL}, remove: true}}",
        "{target: $.components.schemas.Agent, remove: false, update: {title: Kept}}",
    )
    properties = schemas(document)["CreateInlineCallRequest"]["properties"]
    assert properties["connectionType"]["enum"] == ["telnyx", "plivo", "websocket"]
    assert "model" not in properties and "voice" in properties
    assert schemas(document)["Agent"]["title"] == "Kept"


def test_overlays_are_applied_in_their_order(tmp_path: Path) -> None:
    names = []
    for title in ("First", "Second"):
        path = tmp_path / f"{title}.yaml"
        path.write_text(f"{HEAD}actions: [{{target: $.info, update: {{title: {title}}}}}]")
        names.append(str(path))
    assert http_contract(names).document["info"]["title"] == "Second"
    assert http_contract(names[::-1]).document["info"]["title"] == "First"


WRONG = [
    ("{overlay: [", r"overlay \S*mine\.yaml:2: not YAML: "),
    ("- a list", r"overlay \S*mine\.yaml:1: expected a mapping at the top, found list"),
    ("openapi: 3.0.3", r"mine\.yaml:1: overlay: not an OpenAPI Overlay 1\.0: expected .*1\.0\.0, found nothing"),
    ("overlay: 1.0", r"mine\.yaml:1: overlay: not an OpenAPI Overlay 1\.0: .* found 1\.0$"),
    ("overlay: 1.1.0", r"mine\.yaml:1: overlay: not an OpenAPI Overlay 1\.0: .* found '1\.1\.0'$"),
    (HEAD, r"mine\.yaml:1: not an OpenAPI Overlay 1\.0: 'actions' is a required property"),
    (f"{HEAD}actions: []", r"mine\.yaml:3: actions: not an OpenAPI Overlay 1\.0: "),
    (f"{HEAD}actions:\n- target: $.info\n- update: {{}}", r"mine\.yaml:5: actions\[1\]: .*'target' is a required"),
    (f"{HEAD}actions:\n- target: info", r"mine\.yaml:4: actions\[0\]\.target: not an OpenAPI Overlay 1\.0: 'info' "),
    (f"{HEAD}actions:\n- target: $.info\n  updates: 1", r"mine\.yaml:4: actions\[0\]: .*'updates' was unexpected"),
    (
        f"{HEAD}actions:\n- target: $.info[\n  remove: true",
        r"mine\.yaml:4: actions\[0\]\.target: \$\.info\[ is no JSON",
    ),
    (f"{HEAD}actions:\n- target: $..[\n  remove: true", r"mine\.yaml:4: actions\[0\]\.target: \$\.\.\[ is no JSONPath"),
    (
        f"{HEAD}actions:\n- target: $.servers[?(@.url =~ '(')]\n  remove: true",
        r"mine\.yaml:4: .* is no JSONPath: missing",
    ),
    (
        f"{HEAD}actions:\n- target: $.info\n  update: {{}}\n- target: $.nothing\n  remove: true",
        r"mine\.yaml:6: actions\[1\]\.target: \$\.nothing selects nothing in openapi/calls\.yaml",
    ),
    (
        f"{HEAD}actions:\n- target: $.info.title\n  update: New",
        r"mine\.yaml:4: actions\[0\]\.target: \$\.info\.title selects no object and no array",
    ),
    (
        f"{HEAD}actions:\n- target: $.info\n  update: New",
        r"mine\.yaml:5: actions\[0\]\.update: \$\.info selects an object: expected an object to merge",
    ),
    (f"{HEAD}actions:\n- target: $\n  remove: true", r"mine\.yaml:5: .* the whole document cannot be removed"),
    (f"{HEAD}actions:\n- target: $.info\n  update: {{a: .nan}}", r"mine\.yaml:3: actions: holds what JSON cannot"),
]


@pytest.mark.parametrize(("text", "complaint"), WRONG)
def test_a_fault_in_an_overlay_is_told_with_its_place(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        http_contract([overlay(tmp_path, text)])
    assert re.search(complaint, str(raised.value)), raised.value
    assert "\n" not in str(raised.value)


def test_who_names_no_overlay_is_told_of_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="overlay nosuch: no such file .*; expected .*: webrtc-on-create"):
        http_contract(["nosuch"])
    with pytest.raises(DocumentError, match="is a directory"):
        http_contract([str(tmp_path)])


def test_a_mock_without_overlays_imports_nothing_of_what_applies_them() -> None:
    code = (
        "import sys; from mockserver.server import Server; from mockserver.settings import Settings; "
        "Server(Settings(port=0)).listener.close(); "
        "print({'oas_patch', 'jsonpath_ng', 'deepdiff', 'rich', 'jinja2'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
