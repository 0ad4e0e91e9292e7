from __future__ import annotations

from pathlib import Path

import pytest

from contract import documents
from contract.errors import DocumentError


def test_every_document_is_found_and_read() -> None:
    assert documents.connection_types() == ("plivo", "telnyx", "twilio", "webrtc", "websocket")
    assert documents.openapi()["openapi"].startswith("3.0.")
    for kind in documents.connection_types():
        assert documents.asyncapi(kind)["x-connection-type"] == kind


def test_a_date_stays_the_text_that_it_is_on_the_wire() -> None:
    assert documents.read_mapping("at: 2025-06-05T08:54:19Z", "x")["at"] == "2025-06-05T08:54:19Z"


@pytest.mark.parametrize("name", ["../openapi/calls", "/etc/passwd", "", "Twilio", "a.b", "twilio\n"])
def test_a_name_from_outside_does_not_lead_out_of_the_folder(name: str) -> None:
    with pytest.raises(DocumentError, match="is not the name of a connection type"):
        documents.asyncapi_text(name)


def test_a_broken_document_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "openapi").mkdir()
    (tmp_path / "openapi" / "calls.yaml").write_text("openapi: 3.0.3\ninfo:\n  title: [unclosed\npaths: {}\n")
    with pytest.raises(DocumentError, match=r"calls\.yaml:4: not YAML: "):
        documents.openapi(tmp_path)


def test_a_missing_document_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"twilio\.yaml: No such file"):
        documents.asyncapi("twilio", tmp_path)


@pytest.mark.parametrize("text", ["", "- a", "word", "3"])
def test_a_document_that_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(DocumentError, match="x:1: expected a mapping"):
        documents.read_mapping(text, "x")


def test_the_line_of_a_place_is_found() -> None:
    text = "steps:\n  - say: a\n  - wait:\n      seconds: -1\n"
    assert documents.line_of(text, ["steps", 1, "wait", "seconds"]) == 4
    assert documents.line_of(text, ["steps", 1]) == 3
    assert documents.line_of(text, ["steps", 0, "nowhere"]) == 2


def test_a_place_is_told_as_people_read_it_with_every_point_of_a_name() -> None:
    assert documents.place_of(["steps", 1, "wait", "seconds"]) == "steps[1].wait.seconds"
    assert (documents.place_of([".hidden", 0]), documents.place_of([0, "a"])) == (".hidden[0]", "[0].a")
    assert documents.place_of([]) == ""


def test_references_are_resolved_also_through_others() -> None:
    document = {"a": {"$ref": "#/b"}, "b": {"c": {"$ref": "#/d~1e"}}, "d/e": 5}
    assert documents.resolved(document) == {"a": {"c": 5}, "b": {"c": 5}, "d/e": 5}


def test_a_circle_of_references_is_refused() -> None:
    with pytest.raises(DocumentError, match="goes round in a circle"):
        documents.resolved({"a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}})
