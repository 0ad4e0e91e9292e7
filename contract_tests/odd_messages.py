"""Messages on the socket that a document forbids, and ones that nobody thought of.  Sends nothing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from random import Random
from typing import Any

from contract import documents
from contract_tests.damage import damaged
from contract_tests.odd import Rotation


def made(kind: str, seed: int, most: int) -> list[str]:
    """Damaged copies of a document's examples: each way that their schemas suggest, and so many others.

    Args:
        kind: the connection type.
        seed: what random choices, and the order, are made from.
        most: how many of those that no schema suggests.
    """
    random = Random(f"{seed} {kind}")
    rotation = Rotation(random)
    known = list(examples(kind))
    texts = [json.dumps({"event": name, "type": name}) for name in dict.fromkeys(name for name, _, _ in known)]
    for _, schema, payload in known:
        texts += [json.dumps(body) for _, _, body in damaged(schema, payload)]
    for _, _, payload in itertools.islice(itertools.cycle(known), most):
        if found := rotation.damaged(payload, lambda body: True):
            texts.append(json.dumps(found[1]))
    random.shuffle(texts)
    return texts


def examples(kind: str) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """What the carrier says, but for the message that ends the stream: its name, its schema and an example."""
    document = documents.resolved(documents.asyncapi(kind))
    for name, message in document["components"]["messages"].items():
        schema = message["payload"]
        if message.get("x-event") not in ("Stopped", "HangUp") and "properties" in schema:
            yield from ((name, schema, example["payload"]) for example in message.get("examples", ()))
