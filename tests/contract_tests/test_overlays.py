"""What a run with overlays is held against, and that no report of it passes for one on the plain contract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contract import documents
from contract_tests.deciding import due, likely_due, narrowed, overruled
from contract_tests.findings import AppliedOverlay, Verdict
from contract_tests.in_force import connection_types
from contract_tests.merge import MergeError, merge
from contract_tests.reports import FORMATS, json_report
from tests.contract_tests.sample import finding, run
from tests.contract_tests.test_reports import terminal, without_colours

NAMES = ("webrtc-on-create",)
OVERLAID = run(finding("create.a"), overlays=(AppliedOverlay("webrtc-on-create", 4),))
BROWSER = {"agentId": "agent_demo", "connectionType": "webrtc"}


@pytest.mark.parametrize(("overlays", "wanted"), [((), 400), (NAMES, 201)])
def test_what_is_due_follows_the_overlays(overlays: tuple[str, ...], wanted: int) -> None:
    known = {"agentId": "agent_demo"}
    assert due(known, "create", BROWSER, overlays) == likely_due(known, "create", BROWSER, overlays) == wanted
    document = narrowed(known, "create", websocket=False, overlays=overlays)
    offered = document["components"]["schemas"]["CreateCallRequest"]["properties"]["connectionType"]["enum"]
    assert ("webrtc" in offered) is ("webrtc" in connection_types("create", overlays)) is (wanted == 201)


def test_only_what_overlays_change_is_overruled() -> None:
    assert overruled("create", BROWSER, NAMES) is True
    assert overruled("create", BROWSER, ()) is None
    assert overruled("create", {"agentId": 5}, NAMES) is None
    assert overruled("create", {"agentId": "a"}, NAMES) is None
    assert overruled("create", None, NAMES) is None


@pytest.mark.parametrize("name", [*FORMATS, "console"])
def test_every_report_names_the_overlays_and_only_where_there_are_some(name: str) -> None:
    def report(judged: Any) -> str:
        return FORMATS[name](judged) if name in FORMATS else without_colours(terminal(judged, width=200))

    shown = report(OVERLAID).replace("\\", "")
    assert "webrtc-on-create" in shown
    if name not in ("json", "junit"):
        assert "to the contract with the overlay webrtc-on-create (4 actions)" in shown
    assert "webrtc-on-create" not in report(run(finding("create.a")))


def test_a_violation_names_them_too() -> None:
    judged = run(finding("create.a", Verdict.VIOLATED), overlays=(AppliedOverlay("a", 1), AppliedOverlay("b", 2)))
    assert "the target violates the contract with the overlays a (1 action), b (2 actions) (exit" in FORMATS["text"](
        judged
    )


def test_the_json_report_keeps_to_its_schema_and_older_ones_can_be_read() -> None:
    schema = json.loads((documents.SHIPPED / "docs" / "report.schema.json").read_text())
    report = json.loads(FORMATS["json"](OVERLAID))
    Draft202012Validator(schema).validate(report)
    assert json_report.load(json.dumps(report)) == OVERLAID
    del report["overlays"]
    assert json_report.load(json.dumps(report)).overlays == ()


def test_shards_are_merged_only_where_they_were_held_to_the_same_contract() -> None:
    assert merge([OVERLAID, OVERLAID]).overlays == OVERLAID.overlays
    with pytest.raises(MergeError, match=r"different contracts: webrtc-on-create \(4 actions\), the plain one"):
        merge([OVERLAID, run(finding("create.b"))])
