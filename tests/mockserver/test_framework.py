from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import mockserver.framework
loaded = {"httpx", "jinja2", "requests", "starlette.testclient", "starlette.templating"} & sys.modules.keys()
assert not loaded, loaded
import connexion.security, connexion.spec, connexion.json_schema
# What stands in is the real thing as soon as it is used.
assert connexion.security.httpx.AsyncClient.__name__ == "AsyncClient"
assert connexion.spec.jinja2.Environment.__name__ == "Environment"
assert connexion.json_schema.requests.get.__name__ == "get"
import starlette.templating
assert starlette.templating.Jinja2Templates is not object
"""


def test_connexion_is_imported_without_what_nobody_needs_which_is_still_there_for_who_does() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
