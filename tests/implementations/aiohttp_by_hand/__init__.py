"""A voice API ("Calls") written by hand on aiohttp: one small, complete and independent implementation.

It keeps every MUST of the contract and takes the freedom that the contract leaves wherever there is some: refused dials
are upgraded and then closed with 1008, carriers get whole utterances at once, there are no marks, no deltas and no rate
headers outside a 429. `python -m tests.implementations.aiohttp_by_hand --help` lists its options.

- `shapes` judges request bodies: tables of field -> predicate.
- `sound` is G.711, the agent's voice and the detection of speech.
- `lines` are the five kinds of connection: what comes over the wire, what goes out.
- `conversation` is one call as a state machine without input or output.
- `service` is HTTP: keys, budgets, the book of calls and the dial itself.
"""
