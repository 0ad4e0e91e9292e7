"""The two peer connections of one participant: the agent's voice and words go out on one, the caller's come in on one.

LiveKit's clients publish on a connection that they offer, and subscribe on one that the server offers.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp
from av import AudioFrame

from mockserver.webrtc.addresses import reached_at
from mockserver.webrtc.sound import AgentTrack, heard

LET_GO_WITHIN_S = 3.0
"""How long it may take to close the connections, in seconds."""

MOST_UNSENT_BYTES = 1024 * 1024
"""How much data may wait for a client that takes none."""

RELIABLE, LOSSY = "_reliable", "_lossy"

_UNUSABLE = (
    *(InvalidStateError, InvalidAccessError, OperationError),
    *(ValueError, AssertionError, LookupError, AttributeError),
)
"""What aiortc raises where a description makes no sense, or none of the codings in it is known."""

_MSID = re.compile(r"(?m)^a=msid:\S+ \S+")

log = logging.getLogger("calls")


class Told(Protocol):
    """Who is told what happens on the connections."""

    def connected(self) -> None:
        """Data can be sent, and the agent is heard."""

    def heard(self, audio: bytes) -> None:
        """The caller spoke, as ROOM_AUDIO."""

    def said(self, packet: bytes) -> None:
        """The caller sent a packet of data."""

    def failed(self) -> None:
        """The network is lost, or was never there."""


class Negotiation(ValueError):
    """A client said what makes no sense; the text says what."""


class Peers:
    """The connections, from the first offer to the end.

    Args:
        told: is told what happens.
        track: what the agent says.
        msid: how the client finds whose track it is: `<participant's sid>|<track's sid> <track's sid>`.
        hosts: where this end is reached.
    """

    def __init__(self, told: Told, track: AgentTrack, msid: str, hosts: Sequence[str]) -> None:
        # No STUN and no TURN server: nothing is asked of other machines.
        self._subscriber = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._publisher = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._told = told
        self._msid = msid
        self._hosts = hosts
        self._listening: asyncio.Task[None] | None = None
        self._closed = False
        self._reliable: RTCDataChannel = self._subscriber.createDataChannel(RELIABLE, ordered=True)
        self._subscriber.createDataChannel(LOSSY, ordered=False, maxRetransmits=0)
        # What the track gives is Opus already.
        opus = [codec for codec in RTCRtpSender.getCapabilities("audio").codecs if codec.mimeType == "audio/opus"]
        self._subscriber.addTransceiver(track, direction="sendonly").setCodecPreferences(opus)
        self._reliable.on("open", told.connected)
        self._publisher.on("datachannel", self._take_channel)
        self._publisher.on("track", self._take_track)
        for connection in (self._subscriber, self._publisher):
            connection.on("connectionstatechange", self._connection_changed)

    async def offer(self) -> str:
        """The offer for what the client subscribes to: a description with all candidates in it."""
        with reached_at(self._hosts):
            await self._subscriber.setLocalDescription(await self._subscriber.createOffer())
        return _MSID.sub(f"a=msid:{self._msid}", self._subscriber.localDescription.sdp)

    async def take_answer(self, sdp: str) -> None:
        """The client's answer to it.  Raises Negotiation."""
        await _described(self._subscriber, sdp, "answer")

    async def answer(self, sdp: str) -> str:
        """The answer to what the client offers to publish.  Raises Negotiation."""
        with reached_at(self._hosts):
            await _described(self._publisher, sdp, "offer")
            await self._publisher.setLocalDescription(await self._publisher.createAnswer())
        return str(self._publisher.localDescription.sdp)

    async def add_candidate(self, init: str, *, of_publisher: bool) -> None:
        """A further address of the client's, a JSON RTCIceCandidateInit.  Raises Negotiation."""
        try:
            told: dict[str, Any] = json.loads(init)
            line = str(told.get("candidate") or "")
            if not line:
                return
            candidate = candidate_from_sdp(line.partition(":")[2])
        except (ValueError, AttributeError, AssertionError, IndexError, RecursionError) as error:
            raise Negotiation(f"a candidate that cannot be read: {type(error).__name__}") from None
        if candidate.ip.endswith(".local") or candidate.protocol.lower() != "udp":
            # A browser's pseudonym for an address; it shows by itself as soon as the browser sends anything.
            return
        candidate.sdpMid, candidate.sdpMLineIndex = told.get("sdpMid"), told.get("sdpMLineIndex")
        connection = self._publisher if of_publisher else self._subscriber
        with suppress(InvalidStateError):
            await connection.addIceCandidate(candidate)

    def send(self, packet: bytes) -> None:
        """Send a packet of data, reliably, if it can be sent; a client that takes none is let go."""
        if self._reliable.readyState != "open":
            return
        if self._reliable.bufferedAmount > MOST_UNSENT_BYTES:
            self._told.failed()
        else:
            self._reliable.send(packet)

    async def close(self) -> None:
        """Let go of everything."""
        self._closed = True
        if self._listening is not None:
            self._listening.cancel()
        for connection in (self._subscriber, self._publisher):
            try:
                async with asyncio.timeout(LET_GO_WITHIN_S):
                    await connection.close()
            except Exception:
                log.exception("a peer connection did not close in order")

    def _take_channel(self, channel: RTCDataChannel) -> None:
        channel.on("message", self._take_data)

    def _take_data(self, data: str | bytes) -> None:
        if isinstance(data, bytes) and not self._closed:
            self._told.said(data)

    def _take_track(self, track: MediaStreamTrack) -> None:
        # One microphone; what else is published nobody listens to.
        if track.kind == "audio" and self._listening is None:
            self._listening = asyncio.create_task(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, AudioFrame):
                    self._told.heard(heard(frame))

    def _connection_changed(self) -> None:
        states = {self._subscriber.connectionState, self._publisher.connectionState}
        if not self._closed and states & {"failed", "closed"}:
            self._told.failed()


async def _described(connection: RTCPeerConnection, sdp: str, kind: str) -> None:
    """Take a client's description.  Raises Negotiation."""
    try:
        await connection.setRemoteDescription(RTCSessionDescription(sdp, kind))
    except _UNUSABLE as error:
        raise Negotiation(f"an {kind} that cannot be used: {type(error).__name__}") from error
