"""What is asked of implementations: every sentence has a place in the contract's documents, and words for people."""

from __future__ import annotations

import pkgutil
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract import documents
from contract_tests import checks
from contract_tests.conformity import is_valid_request
from contract_tests.context import Context, audio_settings
from contract_tests.deciding import due, likely_due, narrowed
from contract_tests.judge import Judge
from contract_tests.legal_requests import everything
from contract_tests.odd import Rotation, odd_value
from contract_tests.requirements import SECTIONS, all_checks
from contract_tests.settings import TargetSettings
from contract_tests.target import PATHS, Exchange

CHECKS = all_checks()
FIELDS = [*documents.openapi()["components"]["schemas"]["CreateInlineCallRequest"]["properties"], "agentId", "other"]


def _pointed_at(source: str) -> Any:
    name, _, pointer = source.partition("#")
    node: Any = documents.openapi() if name == "openapi/calls.yaml" else documents.asyncapi(name[9:-5])
    for step in pointer[1:].split("/"):
        node = node[step.replace("~1", "/").replace("~0", "~")]
    return node


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.requirement.name)
def test_every_requirement_points_to_its_place_in_the_documents(check: Any) -> None:
    assert _pointed_at(check.requirement.source) is not None


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.requirement.name)
def test_every_requirement_is_explained(check: Any) -> None:
    requirement = check.requirement
    assert requirement.sentence.endswith(".")
    assert all((requirement.how, requirement.why, requirement.mend))


def test_every_section_asks_something() -> None:
    assert {check.requirement.section for check in CHECKS} == set(SECTIONS)


def test_every_file_with_checks_has_its_place_in_their_order() -> None:
    modules = pkgutil.walk_packages(checks.__path__, f"{checks.__name__}.")
    assert {f"{checks.__name__}.{name}" for name in checks.FILES} == {m.name for m in modules if not m.ispkg}


def test_requirements_of_a_section_stand_in_the_order_of_its_files() -> None:
    for section in SECTIONS:
        files = [check.run.__module__ for check in CHECKS if check.requirement.section == section]
        places = [checks.FILES.index(file.removeprefix(f"{checks.__name__}.")) for file in files]
        assert places == sorted(places), section


SETTINGS = TargetSettings(url="http://127.0.0.1:1", api_keys=("ck_any_key",), agent="agent_demo")

JUDGED = [
    ("create", {"agentId": "agent_demo"}, 201),
    ("create", {"agentId": 5}, 400),
    ("create", {"agentId": "another"}, None),
    ("create", [], 400),
    ("create", {"agentId": "agent_demo", "connectionType": "websocket"}, 400),
    ("create", {"agentId": "agent_demo", "metadata": {"a": "\x00"}}, None),
    ("inline", {"voice": "Mark"}, 400),
]


@pytest.mark.parametrize(("operation", "body", "wanted"), JUDGED)
def test_openapi_core_decides_what_a_request_has_to_be_answered_with(
    operation: str, body: Any, wanted: int | None
) -> None:
    assert due(_context(operation).valid(), operation, body) == wanted


@pytest.mark.parametrize("operation", ["create", "inline"])
def test_what_everybody_must_accept_is_what_the_document_allows(operation: str) -> None:
    for body in everything(_context(operation), operation):
        request = Exchange(
            method="POST",
            path=PATHS[operation],
            headers=(("Content-Type", "application/json"),),
            content=body,
            key="any",
        )
        assert is_valid_request(request)
        assert len(body) <= 64 * 1024


@pytest.mark.parametrize("operation", ["create", "inline"])
@pytest.mark.parametrize("websocket", [False, True])
@pytest.mark.parametrize(("mode", "wanted"), [("positive", 201), ("negative", 400)])
def test_schemathesis_and_openapi_core_agree_on_what_is_valid(
    operation: str, websocket: bool, mode: str, wanted: int
) -> None:
    import schemathesis
    from schemathesis import GenerationMode

    it = _context(operation)
    schema = schemathesis.openapi.from_dict(narrowed(it.valid(), operation, websocket=websocket))
    cases = schema[f"/calls/{operation}"]["POST"].as_strategy(generation_mode=GenerationMode(mode))

    @settings(max_examples=25, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(cases)
    def agree(case: Any) -> None:
        component = case.meta.components.get("body")
        asks = isinstance(case.body, dict) and case.body.get("connectionType") == "websocket"
        # What is wrong may be the media type, or only the connection type that the document was narrowed to.
        if component is not None and component.mode.value == mode and (mode == "positive" or asks is websocket):
            assert due(it.valid(), operation, case.body) in (wanted, None), case.body

    agree()


@settings(max_examples=100, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6), st.sampled_from(["create", "inline"]), st.booleans())
def test_who_finds_bodies_to_send_agrees_with_openapi_core(seed: int, operation: str, websocket: bool) -> None:
    random = Random(seed)
    known = _context(operation).valid()
    plain = known | (audio_settings("websocket") if websocket else {})
    body = plain | {random.choice(FIELDS): odd_value(random) for _ in range(random.randrange(3))}
    _, damaged = Rotation(random).damaged(body, lambda found: True) or ("", body)
    for each in (body, damaged):
        assert likely_due(known, operation, each) == due(known, operation, each), each


@pytest.mark.parametrize("text", ["", " ", "\u2028"])
def test_blank_texts_in_tools_may_be_refused(text: str) -> None:
    known = _context("inline").valid()
    parameter = {"name": "day", "location": "PARAMETER_LOCATION_BODY", "schema": {"description": text}}
    for tool in ({"description": text}, {"dynamicParameters": [parameter]}):
        body = known | {"selectedTools": [{"temporaryTool": {"modelToolName": "look", **tool}}]}
        assert due(known, "inline", body) is likely_due(known, "inline", body) is None
    named = known | {"selectedTools": [{"temporaryTool": {"modelToolName": "look", "description": "Looks."}}]}
    assert due(known, "inline", named) == 201


def _context(operation: str) -> Context:
    class Bare(Judge):
        def __init__(self) -> None:
            self.settings = SETTINGS
            self.target = None  # type: ignore[assignment]  # nothing is sent

    return Context(Bare(), operation)
