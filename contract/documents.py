"""Where the contract's documents are, and how they are read.

In a wheel they lie inside this package, in a checkout at its top.  Only this module knows a path to a document.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from contract.errors import DocumentError

Document = dict[str, Any]

_PACKAGE = Path(__file__).resolve().parent
SHIPPED = _PACKAGE / "_documents" if (_PACKAGE / "_documents").is_dir() else _PACKAGE.parent
"""The folder that holds `openapi/calls.yaml`, `openapi/overlays/` and `asyncapi/`."""

_Base: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]  # the C loader, where PyYAML was built with it, is chosen at run time
    """YAML with JSON's types: a date in an example stays the text that it is on the wire."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Base.yaml_implicit_resolvers.items()  # type: ignore[attr-defined]
}


def openapi_text(root: Path = SHIPPED) -> bytes:
    """The OpenAPI document as it was written.  Raises DocumentError."""
    return _read(root / "openapi" / "calls.yaml")


def openapi(root: Path = SHIPPED) -> Document:
    """The OpenAPI document, read.  Raises DocumentError, naming file and line."""
    return read_mapping(openapi_text(root), str(root / "openapi" / "calls.yaml"))


def control_text(root: Path = SHIPPED) -> bytes:
    """The OpenAPI document of the mock's own control API as it was written.  Raises DocumentError."""
    return _read(root / "openapi" / "control.yaml")


def control(root: Path = SHIPPED) -> Document:
    """The OpenAPI document of the mock's own control API, read.  Raises DocumentError, naming file and line."""
    return read_mapping(control_text(root), str(root / "openapi" / "control.yaml"))


def asyncapi_text(connection_type: str, root: Path = SHIPPED) -> bytes:
    """The AsyncAPI document of a connection type as it was written.  Raises DocumentError."""
    return _read(_asyncapi_path(connection_type, root))


def asyncapi(connection_type: str, root: Path = SHIPPED) -> Document:
    """The AsyncAPI document of a connection type, read, with every `$ref` still in it.  Raises DocumentError."""
    return read_mapping(asyncapi_text(connection_type, root), str(_asyncapi_path(connection_type, root)))


def connection_types(root: Path = SHIPPED) -> tuple[str, ...]:
    """The connection types that have a document, in alphabetical order."""
    return tuple(sorted(path.stem for path in (root / "asyncapi").glob("*.yaml")))


def shipped_overlays(root: Path = SHIPPED) -> tuple[str, ...]:
    """The names of the overlays over the OpenAPI document that come with it, in alphabetical order."""
    return tuple(sorted(path.stem for path in (root / "openapi" / "overlays").glob("*.yaml")))


def overlay_path(name: str, root: Path = SHIPPED) -> Path:
    """The file of an overlay: of a shipped one by its name, of any other by its path."""
    if name in shipped_overlays(root):
        return root / "openapi" / "overlays" / f"{name}.yaml"
    return Path(name).absolute()


def overlay_text(name: str, root: Path = SHIPPED) -> bytes:
    """An overlay as it was written.  Raises DocumentError, naming those that are shipped."""
    try:
        return overlay_path(name, root).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        shipped = ", ".join(shipped_overlays(root))
        raise DocumentError(
            f"overlay {name}: {reason}; expected a file, or the name of a shipped one: {shipped}"
        ) from error


def read_mapping(text: bytes | str, name: str) -> Document:
    """A YAML text that holds one mapping; `name` is the file's, for messages.  Raises DocumentError with the line."""
    try:
        content = yaml.load(text, Loader=_Loader)  # a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}" if mark else name
        raise DocumentError(f"{place}: not YAML: {getattr(error, 'problem', None) or error}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise DocumentError(f"{name}: not YAML: {error}") from error
    if not isinstance(content, dict):
        raise DocumentError(f"{name}:1: expected a mapping at the top, found {type(content).__name__}")
    return content


class Lines:
    """Where the nodes of a YAML text are.  Reads the text once, which takes as long as to load it."""

    def __init__(self, text: bytes | str) -> None:
        self._top = yaml.compose(text, Loader=_Loader)

    def of(self, path: Sequence[str | int]) -> int:
        """The line, from 1, on which the node at `path` begins; of its nearest parent if it is missing."""
        node = self._top
        line = 1
        for step in path:
            if isinstance(node, yaml.MappingNode):
                found = next(((key, value) for key, value in node.value if key.value == str(step)), None)
                if found is None:
                    break
                line, node = found[0].start_mark.line + 1, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
            else:
                break
        return line


def line_of(text: bytes | str, path: Sequence[str | int]) -> int:
    """The line, from 1, on which the node at `path` begins in a YAML text; of its nearest parent if it is missing."""
    return Lines(text).of(path)


def place_of(path: Sequence[str | int]) -> str:
    """A path as people read it, `steps[1].wait.seconds`; empty for the whole."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def resolved(document: Document, name: str = "document") -> Document:
    """The same document with every local `$ref` replaced by what it points to.

    Raises DocumentError for a pointer that leads nowhere, out of the document or round in a circle.
    """

    @functools.cache
    def target(reference: str) -> Any:
        if not reference.startswith("#/"):
            raise DocumentError(f"{name}: {reference}: only references within the document are followed")
        node: Any = document
        for step in reference[2:].split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or step not in node:
                raise DocumentError(f"{name}: {reference}: leads nowhere")
            node = node[step]
        return node

    def follow(node: Any, trail: tuple[str, ...]) -> Any:
        if isinstance(node, list):
            return [follow(part, trail) for part in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if isinstance(reference, str):
            if reference in trail:
                raise DocumentError(f"{name}: {reference}: goes round in a circle")
            return follow(target(reference), (*trail, reference))
        return {key: follow(part, trail) for key, part in node.items()}

    followed: Document = follow(document, ())
    return followed


def _asyncapi_path(connection_type: str, root: Path) -> Path:
    # The name may come from a request's path: it must not lead out of the folder.
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", connection_type):
        raise DocumentError(f"{connection_type!r} is not the name of a connection type")
    return root / "asyncapi" / f"{connection_type}.yaml"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror or error}") from error
