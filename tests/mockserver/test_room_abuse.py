"""What clients may have a room of the mock's do: no more than is good for the mock, its machine and other people's."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from livekit.protocol import rtc
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from mockserver.webrtc.addresses import reached_at
from mockserver.webrtc.counterpart import MOST_CANDIDATES, Counterpart
from tests.running import RunningMock, running_mock


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    with running_mock() as running:
        yield running


@contextmanager
def joined(mock: RunningMock) -> Iterator[ClientConnection]:
    """The signalling of a new call's room, in which the agent's offer has come."""
    with connect(mock.create_inline(connectionType="webrtc")["websocketUrl"]) as control:
        offer = json.loads(control.recv(timeout=10))
        with connect(f"{offer['roomUrl']}/rtc?access_token={offer['token']}") as signalling:
            assert [response(signalling).WhichOneof("message") for _ in range(2)] == ["join", "offer"]
            yield signalling


def response(signalling: ClientConnection) -> rtc.SignalResponse:
    return rtc.SignalResponse.FromString(signalling.recv(timeout=5))  # type: ignore[arg-type]  # all are binary


def offered(*kinds: str) -> str:
    """The description of a client that publishes these, and opens a channel."""

    async def describe() -> str:
        client = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        for kind in kinds:
            client.addTransceiver(kind, direction="sendonly")
        client.createDataChannel("_reliable")
        with reached_at(["127.0.0.1"]):
            await client.setLocalDescription(await client.createOffer())
        sdp: str = client.localDescription.sdp
        await client.close()
        return sdp

    return asyncio.run(describe())


def offering(sdp: str) -> bytes:
    return rtc.SignalRequest(offer=rtc.SessionDescription(type="offer", sdp=sdp, id=1)).SerializeToString()


def trickling(**candidate: object) -> bytes:
    return rtc.SignalRequest(trickle=rtc.TrickleRequest(candidateInit=json.dumps(candidate))).SerializeToString()


def directions(sdp: str) -> list[str]:
    """Of each audio and video in a description."""
    return [line[2:] for line in sdp.splitlines() if line in ("a=recvonly", "a=sendonly", "a=sendrecv", "a=inactive")]


def test_browsers_pseudonyms_are_not_asked_for_in_the_network(
    mock: RunningMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    async def ask(subscriber: object) -> None:
        asked.append(subscriber)

    monkeypatch.setattr(aioice.ice, "get_or_create_mdns_protocol", ask)
    named = "candidate:1 1 udp 2130706431 6b2c1d0e-8a55-4f0e-9c3b-1f2e3d4c5b6a.local 50000 typ host"
    sdp = offered("audio").replace("a=candidate:", f"a={named}\r\na=candidate:", 1)
    with joined(mock) as signalling:
        signalling.send(offering(sdp))
        assert response(signalling).HasField("answer")
        signalling.send(trickling(candidate=named, sdpMid="0"))
        signalling.send(rtc.SignalRequest(ping=1).SerializeToString())
        assert response(signalling).HasField("pong")
    assert asked == []


def test_nobody_is_flooded_on_a_clients_word() -> None:
    client, line = Counterpart(), "candidate:1 1 udp 2130706431 192.0.2.{} {} typ host"
    sdp = offered("audio")
    many = "".join(f"a={line.format(at % 250, 1000 + at)}\r\n" for at in range(2 * MOST_CANDIDATES))
    described, _ = client.description(sdp.replace("a=candidate:", many + "a=candidate:", 1), "offer")
    assert described.sdp.count("a=candidate:") == MOST_CANDIDATES
    assert client.candidate(json.dumps({"candidate": line.format(1, 1), "sdpMid": "0"})) is None


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (("a=fingerprint:sha-256", "a=fingerprint:"), "cannot be read"),
        (("a=group:BUNDLE 0", "a=group:BUNDLE 7"), "does not have"),
        (("a=sendonly\r\n", ""), "cannot be used"),
        (("m=audio", "m=text"), "does not have"),
    ],
    ids=["no digest", "bundled with nothing", "no direction", "no audio"],
)
def test_an_offer_that_makes_no_sense_is_the_clients_fault(
    mock: RunningMock, caplog: pytest.LogCaptureFixture, damage: tuple[str, str], words: str
) -> None:
    sdp = offered("audio")
    assert damage[0] in sdp
    with joined(mock) as signalling:
        signalling.send(offering(sdp.replace(*damage)))
        assert response(signalling).HasField("leave")
        with pytest.raises(ConnectionClosed):
            signalling.recv(timeout=5)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 1 and words in said[0], said


def test_a_candidate_of_nothing_is_the_clients_fault(mock: RunningMock, caplog: pytest.LogCaptureFixture) -> None:
    with joined(mock) as signalling:
        signalling.send(trickling(candidate="candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host"))
        assert response(signalling).HasField("leave")
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 1 and "neither sdpMid nor sdpMLineIndex" in said[0], said


def test_an_address_that_is_told_before_anything_else_is_no_fault(
    mock: RunningMock, caplog: pytest.LogCaptureFixture
) -> None:
    with joined(mock) as signalling:
        signalling.send(trickling(candidate="candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host", sdpMid="0"))
        signalling.send(rtc.SignalRequest(ping=1).SerializeToString())
        assert response(signalling).HasField("pong")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_an_offer_of_hundreds_of_media_is_refused(mock: RunningMock, caplog: pytest.LogCaptureFixture) -> None:
    head, audio, rest = offered("audio").partition("m=audio")
    with joined(mock) as signalling:
        signalling.send(offering(head + 300 * (audio + rest)))
        assert response(signalling).HasField("leave")
    assert "at most 50 are taken" in caplog.text


def test_one_microphone_is_taken_and_nothing_else(mock: RunningMock) -> None:
    # What nobody takes in would fill the memory: aiortc decodes it, and keeps it.
    with joined(mock) as signalling:
        signalling.send(offering(offered("video", "audio", "audio")))
        assert directions(response(signalling).answer.sdp) == ["inactive", "recvonly", "inactive"]


def test_a_microphone_published_anew_takes_the_place_of_the_one_before(mock: RunningMock) -> None:
    sdp = offered("audio", "audio")
    with joined(mock) as signalling:
        signalling.send(offering(sdp))
        assert directions(response(signalling).answer.sdp) == ["recvonly", "inactive"]
        signalling.send(offering(sdp.replace("a=sendonly", "a=inactive", 1)))
        assert directions(response(signalling).answer.sdp) == ["inactive", "recvonly"]
