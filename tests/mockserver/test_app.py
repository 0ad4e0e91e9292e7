"""How the parts of a mock are put together."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockserver.app import build
from mockserver.settings import Settings
from mockserver.webrtc import rooms


def test_whoever_asks_while_it_loads_gets_the_same_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    # A dial may come while the mock still prepares for it in another thread.
    def slowly(*given: Any) -> rooms.Rooms:
        time.sleep(0.1)
        return rooms_of(*given)

    rooms_of = rooms.rooms_of
    monkeypatch.setattr(rooms, "rooms_of", slowly)
    mock = build(Settings(), "http://127.0.0.1:8080")
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda ask: ask(), [mock.rooms] * 2)
    assert first is second
