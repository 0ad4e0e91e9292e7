"""Type generators understand the documents: every field can be set and sent, and wrong calls do not type-check.

What they made is under clients/; that it is up to date is asked in `test_generated_clients`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents.conftest import ROOT, NodeTool
from tests.documents.schemas import OPERATIONS, SCHEMAS, is_accepted

FIXTURES = Path(__file__).parent / "fixtures"
EVERY_FIELD = json.loads((FIXTURES / "every_field.json").read_text(encoding="utf-8"))
CLIENTS = ROOT / "clients"
SECONDS = 120
"""The longest that one tool may take: far above what they need, so that nothing hangs."""


def run(*command: str | Path, folder: Path) -> str:
    """Run a program in a folder and give what it printed; the test fails with it if the program fails."""
    environment = os.environ | {"MYPY_FORCE_COLOR": "0", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client that openapi-python-client made, and the programs that use it."""
    folder = tmp_path_factory.mktemp("python-client")
    shutil.copytree(CLIENTS / "python" / "calls_client", folder / "calls_client")
    shutil.copytree(FIXTURES / "python-client", folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def typescript_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the types that openapi-typescript made, and the programs that use them."""
    folder = tmp_path_factory.mktemp("typescript-client")
    shutil.copytree(CLIENTS / "typescript", folder, dirs_exist_ok=True)
    shutil.copytree(FIXTURES / "typescript-client", folder, dirs_exist_ok=True)
    return folder


def type_check_typescript(tsc: Path, program: str, folder: Path) -> None:
    # Without the DOM's types, which take most of the time and which no program here needs.
    library = ("--target", "es2022", "--lib", "es2022")
    options = ("--noEmit", "--strict", *library, "--module", "esnext", "--moduleResolution", "bundler")
    run(tsc, *options, program, folder=folder)


def type_check_python(program: str, folder: Path) -> None:
    # The generated code itself is not ours to judge: followed, but silent.
    options = ("--strict", "--follow-imports=silent", "--config-file=", "--cache-dir=.mypy_cache")
    run(sys.executable, "-m", "mypy", *options, program, folder=folder)


@pytest.mark.parametrize(("operation", "body"), EVERY_FIELD.items(), ids=EVERY_FIELD)
def test_the_sample_sets_every_field_and_the_api_takes_it(operation: str, body: object) -> None:
    def names(part: object) -> set[str]:
        if isinstance(part, dict):
            return set(part).union(*map(names, part.values()))
        return set().union(*map(names, part)) if isinstance(part, list) else set()

    def fields(schema: str) -> set[str]:
        properties = SCHEMAS[schema]["properties"]
        parts = [*properties.values(), *(rules["items"] for rules in properties.values() if "items" in rules)]
        inner = [part["$ref"].rsplit("/", 1)[1] for part in parts if "$ref" in part]
        return set(properties).union(*(fields(name) for name in inner if "properties" in SCHEMAS[name]))

    assert fields(OPERATIONS[operation].asks) <= names(body)
    assert is_accepted(OPERATIONS[operation].asks, body)


def test_a_typescript_program_that_sets_every_field_type_checks(typescript_client: Path, node_tool: NodeTool) -> None:
    type_check_typescript(node_tool("tsc"), "every_field.ts", typescript_client)


def test_wrong_typescript_does_not_type_check(typescript_client: Path, node_tool: NodeTool) -> None:
    type_check_typescript(node_tool("tsc"), "wrong.ts", typescript_client)


def test_typescript_types_of_messages_take_what_the_documents_say_and_nothing_else(
    typescript_client: Path, node_tool: NodeTool
) -> None:
    type_check_typescript(node_tool("tsc"), "messages.ts", typescript_client)


def test_a_python_program_that_sets_every_field_type_checks(python_client: Path) -> None:
    type_check_python("every_field.py", python_client)


def test_wrong_python_does_not_type_check(python_client: Path) -> None:
    type_check_python("wrong.py", python_client)


def test_a_python_program_sends_every_field_as_it_was_set(python_client: Path) -> None:
    sent = json.loads(run(sys.executable, "every_field.py", folder=python_client))

    assert sent == EVERY_FIELD
