"""OpenAPI Overlays: what changes the HTTP half of the contract for one process, and the document that comes of it.

An overlay (spec.openapis.org/overlay/v1.0.0, read 2026-11-28) is a list of actions: a JSONPath, and what is merged into
the objects that it selects, appended to the arrays, or removed.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contract import documents
from contract.documents import Document
from contract.errors import DocumentError

Action = dict[str, Any]

CALLS = "openapi/calls.yaml"

_VERSION = re.compile(r"1\.0\.\d+")


@dataclass(frozen=True)
class Overlay:
    """One overlay that was read.

    Attributes:
        name: as it was asked for: the name of a shipped one, or a path.
        text: it, as it was written.
        actions: what it changes, in this order.
    """

    name: str
    text: bytes
    actions: tuple[Action, ...]

    def __str__(self) -> str:
        """Its name, and how much it does."""
        return f"{self.name} ({len(self.actions)} action{'' if len(self.actions) == 1 else 's'})"

    def fault(self, path: Sequence[str | int], reason: str) -> DocumentError:
        """What is wrong at a place of it."""
        place = documents.place_of(path)
        line = documents.line_of(self.text, path)
        return DocumentError(f"overlay {self.name}:{line}: {place + ': ' if place else ''}{reason}")


@dataclass(frozen=True, eq=False)
class HttpContract:
    """The HTTP half of the contract as it is in force in one process.

    Attributes:
        document: it, read.
        text: it, as it is shown: the shipped file as it was written, or what the overlays made of it.
        overlays: what was applied, in this order.
    """

    document: Document
    text: bytes
    overlays: tuple[Overlay, ...] = ()

    @property
    def name(self) -> str:
        """The file's name, and those of the overlays."""
        return f"{CALLS} with the {_listed(self.overlays)}" if self.overlays else CALLS


def http_contract(overlays: Sequence[str] = ()) -> HttpContract:
    """The shipped document with these overlays, by their names or paths.

    Raises DocumentError, naming file, line and action, for one that cannot be read or applied, and for a result with a
    reference that leads nowhere.  Whether it is a good OpenAPI document otherwise is for those to see who use it.
    """
    document = documents.openapi()
    if not overlays:
        return HttpContract(document, documents.openapi_text())
    found = tuple(map(_read, overlays))
    for overlay in found:
        for index in range(len(overlay.actions)):
            _apply(document, overlay, index)
    contract = HttpContract(document, _written(document, found), found)
    documents.resolved(document, contract.name)
    return contract


def _read(name: str) -> Overlay:
    # It takes as long to import as the rest of the start, and most processes have no overlay.
    from oas_patch import validate  # type: ignore[import-untyped]  # it ships no types

    text = documents.overlay_text(name)
    content = documents.read_mapping(text, f"overlay {name}")
    overlay = Overlay(name, text, ())
    version = content.get("overlay")
    # Its validator takes only a text for a version.
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        found = "nothing" if version is None else repr(version)[:60]
        raise overlay.fault(["overlay"], f"not an OpenAPI Overlay 1.0: expected a version such as 1.0.0, found {found}")
    for error in yaml.safe_load(validate(content, "yaml"))["errors"]:
        path = [int(step) if step.isdigit() else step for step in (error["path"] or "").split(" -> ") if step]
        raise overlay.fault(path, f"not an OpenAPI Overlay 1.0: {error['message'][:300]}")
    return Overlay(name, text, tuple(_plain(overlay, content["actions"])))


def _plain(overlay: Overlay, actions: list[Any]) -> list[Action]:
    """The actions as JSON has them: keys are texts, and no two places share an object."""
    try:
        plain: list[Action] = json.loads(json.dumps(actions, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise overlay.fault(["actions"], f"holds what JSON cannot: {error}") from error
    return plain


def _apply(document: Document, overlay: Overlay, index: int) -> None:
    """Change the document as one action says.

    oas-patch merges, but it is not asked to find: given a target it ends at array items, removes several of them twice,
    removes also where `remove` is false, and takes a target that selects nothing for done (0.6.0).
    """
    # It comes with oas-patch.
    from jsonpath_ng.ext.parser import parse

    action = overlay.actions[index]
    target = action["target"]
    try:
        expression = parse(target)
        matches = expression.find(document)
    except Exception as error:
        # What a function or a pattern in it trips over is raised as it is, by `re` for one.
        raise overlay.fault(["actions", index, "target"], f"{target} is no JSONPath: {error}") from error
    if not matches:
        raise overlay.fault(["actions", index, "target"], f"{target} selects nothing in {CALLS}")
    if not action.get("remove"):
        for match in matches:
            _update(match.value, overlay, index)
    elif any(match.context is None for match in matches):
        raise overlay.fault(["actions", index, "remove"], "the whole document cannot be removed")
    else:
        expression.filter(lambda _: True, document)


def _update(selected: Any, overlay: Overlay, index: int) -> None:
    """Merge what an action has into an object, or append it to an array."""
    from oas_patch import apply_overlay

    action = overlay.actions[index]
    if "update" not in action:
        return
    # Several places may be selected: each gets its own.
    target, update = action["target"], copy.deepcopy(action["update"])
    if isinstance(selected, list):
        selected.append(update)
    elif not isinstance(selected, dict):
        reason = f"{target} selects no object and no array; select what it is in"
        raise overlay.fault(["actions", index, "target"], reason)
    elif not isinstance(update, dict):
        raise overlay.fault(["actions", index, "update"], f"{target} selects an object: expected an object to merge")
    else:
        apply_overlay(selected, {"actions": [{"target": "$", "update": update}]})


class _Dumper(yaml.SafeDumper):
    """YAML for people: texts of several lines as they are, and nothing said by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        """PyYAML's interface."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _written(document: Document, overlays: Sequence[Overlay]) -> bytes:
    content = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    # A path may tell more of this machine than a reader of the document needs to know.
    files = [Overlay(" ".join(Path(each.name).name.split()), b"", each.actions) for each in overlays]
    return f"# {CALLS} with the {_listed(files)}.\n{content}".encode()


def _listed(overlays: Sequence[Overlay]) -> str:
    return f"overlay{'' if len(overlays) == 1 else 's'} {', '.join(map(str, overlays))}"
