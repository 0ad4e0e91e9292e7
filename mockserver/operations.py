"""Connexion, serving the document: it reads and checks it, resolves its operations, and routes.

It stands around a plain ASGI application, as it documents for other frameworks, with layers of our own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract import documents
from contract.errors import DocumentError
from contract.overlays import CALLS, HttpContract
from mockserver.admission import Admission
from mockserver.body import BodyReader
from mockserver.calls import Calls
from mockserver.errors import NothingHere
from mockserver.framework import ConnexionMiddleware, Resolver
from mockserver.operation import Guards, Method, Operations
from mockserver.routing import Routing
from mockserver.staging import Stage
from mockserver.validation import CompiledSchema

LONGEST_WORDS = 160
"""How much is told of what is wrong at a place of a document, in characters."""


@dataclass(frozen=True, slots=True)
class Source:
    """An OpenAPI document that is served.

    Attributes:
        file: its name.
        document: it, read.
        text: the shipped file as it was written.
        served_at: the path at which clients find it.
        name: what it is called where it is more than the file.
    """

    file: str
    document: Mapping[str, Any]
    text: bytes
    served_at: str
    name: str = ""

    def fault(self, fault: object, path: Sequence[str | int]) -> DocumentError:
        """A fault at a place of the document, with the line where the shipped one has the same there."""
        fault, path = _innermost(fault, path)
        shipped = _at(documents.read_mapping(self.text, self.file), path) == _at(self.document, path)
        name = f"{self.file}:{documents.line_of(self.text, path)}" if shipped else self.name or self.file
        place = ".".join(map(str, path))
        words = " ".join((getattr(fault, "message", None) or str(fault)).split())
        if len(words) > LONGEST_WORDS:
            # It may begin with all that stands at the place; what is wrong with that is said after it.
            words = f"{words[: LONGEST_WORDS // 2]} … {words[-LONGEST_WORDS // 2 :]}"
        return DocumentError(f"{name}: {place + ': ' if place else ''}{words}")


def _innermost(fault: Any, path: Sequence[str | int]) -> tuple[Any, Sequence[str | int]]:
    """Of a place that may hold one thing or another what is wrong with the thing itself, and where.

    OpenAPI lets a reference stand nearly everywhere; that what stands there is none tells nobody anything.
    """
    while meant := [each for each in getattr(fault, "context", None) or () if each.validator_value != ["$ref"]]:
        fault = meant[0]
        path = tuple(fault.absolute_path)
    return fault, path


def _at(document: Any, path: Sequence[str | int]) -> Any:
    """What stands at a place of a document; None where there is no such place."""
    for step in path:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def operations_app(
    contract: HttpContract,
    calls: Calls,
    base_paths: Sequence[str],
    *,
    admission: Admission,
    reader: BodyReader,
    stage: Stage,
) -> ASGIApp:
    """The operations of the contract, answered by `calls`, under each base path (without a slash at its end).

    Errors are raised, not answered.  Raises DocumentError if the document cannot be served.
    """
    source = Source(CALLS, contract.document, documents.openapi_text(), "/openapi.yaml", contract.name)
    methods = {"createCall": calls.create, "createInlineCall": calls.create_inline}
    return document_app(source, methods, base_paths, guards={"apiKey": admission.admit}, reader=reader, stage=stage)


def document_app(
    source: Source,
    methods: Mapping[str, Method],
    base_paths: Sequence[str],
    *,
    guards: Guards,
    reader: BodyReader,
    stage: Stage | None = None,
) -> ASGIApp:
    """The operations of a document, answered by methods, by their operationIds.  Otherwise as `operations_app`."""
    _compile_schemas(source)
    try:
        app = ConnexionMiddleware(
            partial(_nothing_here, source),
            import_name=__name__,
            # Its own error handling, pages and lifespan are left out: one envelope around everything answers errors.
            middlewares=[partial(Routing, base_paths=base_paths), Operations],
        )
        resolver = Resolver(_finder(source, methods))
        app.add_api(dict(source.document), base_path="", resolver=resolver, guards=guards, reader=reader, stage=stage)
        _build(app)
    except DocumentError:
        raise
    except Exception as error:
        raise source.fault(error, getattr(error, "absolute_path", ())) from error
    return app  # type: ignore[no-any-return]  # connexion ships no types


async def _nothing_here(source: Source, scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI application: what connexion stands around.  Its operations have answered, so this is another path."""
    if scope["type"] == "http":
        raise NothingHere(source.served_at)


def _finder(source: Source, methods: Mapping[str, Method]) -> Callable[[str], Method]:
    """What finds the method for an operationId, so that the document names no Python."""

    def find(operation_id: str) -> Method:
        if operation_id not in methods:
            raise source.fault(f"the mock has no operation {operation_id}", ["paths"])
        return methods[operation_id]

    return find


def _compile_schemas(source: Source) -> None:
    """Compile every schema of the document once, so that a fault in one shows at the start.  Raises DocumentError."""
    whole = documents.resolved(dict(source.document), source.name or source.file)
    for name, schema in whole.get("components", {}).get("schemas", {}).items():
        try:
            CompiledSchema(schema)
        except ValueError as error:
            path = ["components", "schemas", name, *getattr(error, "instance_path", ())]
            raise source.fault(error, path) from error


def _build(app: Any) -> None:
    """Have connexion build its layers now, so that a fault in the document shows at the start.

    It builds them on its first call, before that call goes anywhere.
    """

    async def nothing(*_: Any) -> Message:
        return {}

    try:
        app({"type": "lifespan"}, nothing, nothing).send(None)
    except StopIteration:
        return
