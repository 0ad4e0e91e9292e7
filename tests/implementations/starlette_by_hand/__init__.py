"""A voice API ("Calls") written by hand on Starlette, as a product team might: a target for conformance tests.

It shares no code with anything else in this repository. Start it with `python -m`, see `__main__.py`.

* `web.py`: the two HTTP operations, keys, rate limits, errors, and the upgrade of dialled URLs.
* `bodies.py`: strict JSON and the checks of request bodies, in plain Python.
* `store.py`: calls that wait to be dialled, and the requests that each key has used.
* `sound.py`: G.711, the agent's voice (a row of tones) and its ear (loudness).
* `conversation.py`: what the agent does and when, without any socket.
* `lines.py`: the protocols of Twilio, Telnyx, Plivo, the plain websocket and webrtc.
* `session.py`: one conversation on one dialled socket.
"""
