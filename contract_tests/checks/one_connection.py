"""Requests that share a connection, as those of browsers and of most clients do."""

from __future__ import annotations

from contract_tests.context import Context
from contract_tests.exchanges import on_one_connection
from contract_tests.requirements import OPERATIONS, requirement


@requirement(
    "answers.one-connection",
    "Requests that share a connection are answered each by itself.",
    source="openapi/calls.yaml#/paths",
    how="A body that is cut off, a plain request, the same without a key, and one more are sent one after the other on "
    "one connection, as long as the target keeps it open (it need not). What is answered in another way there than on "
    "a connection of its own is wrong.",
    why="Browsers and most clients use a connection again and again; a proxy puts many people's requests on one.",
    mend="Keep nothing of a request with its connection, and read each body to its end, that of a refused request "
    "too, or close the connection.",
    variants=OPERATIONS,
    again=True,
)
async def one_connection(it: Context) -> None:
    """Good ones and bad ones in turn."""
    for each in await on_one_connection(it, it.variant):
        asked = each.exchange
        if asked.status == each.due or each.before is None:
            continue
        alone = await it.post(it.variant, content=asked.content, key=asked.key, meant=asked.meant)
        if alone.status == each.due:
            it.wrong(
                f"{each.due}: {each.what}, as on a connection of its own",
                it.target.shown(asked),
                each.before,
                "# then, on the same connection (curl takes both, with --next between them):",
                asked,
            )
            return
