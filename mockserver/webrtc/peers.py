"""The two peer connections of one participant: the agent's voice and words go out on one, the caller's come in on one.

LiveKit's clients publish on a connection that they offer, and subscribe on one that the server offers.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceCandidate,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
)
from aiortc.exceptions import InvalidStateError
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from mockserver.webrtc.addresses import reached_at
from mockserver.webrtc.counterpart import Counterpart, Negotiation
from mockserver.webrtc.sound import AgentTrack, CallerSound

LET_GO_WITHIN_S = 3.0
"""How long it may take to close the connections, in seconds."""

MOST_UNSENT_BYTES = 1024 * 1024
"""How much data may wait for a client that takes none."""

LEFT = "the caller left the room"

RELIABLE, LOSSY = "_reliable", "_lossy"

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

    def gone(self, why: str) -> None:
        """The caller cannot be reached any more."""


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
        self._counterpart = Counterpart()
        self._microphone: RTCRtpTransceiver | None = None
        # Addresses that the client told of before it described itself, by whether they are the publisher's.
        self._early: list[tuple[bool, RTCIceCandidate]] = []
        self._listening: asyncio.Task[None] | None = None
        self._closed = False
        self._reliable: RTCDataChannel = self._subscriber.createDataChannel(RELIABLE, ordered=True)
        self._subscriber.createDataChannel(LOSSY, ordered=False, maxRetransmits=0)
        # What the track gives is Opus already.
        opus = [codec for codec in RTCRtpSender.getCapabilities("audio").codecs if codec.mimeType == "audio/opus"]
        self._subscriber.addTransceiver(track, direction="sendonly").setCodecPreferences(opus)
        self._reliable.on("open", told.connected)
        self._publisher.on("datachannel", self._take_channel)
        for connection in (self._subscriber, self._publisher):
            connection.on("connectionstatechange", self._connection_changed)

    async def offer(self) -> str:
        """The offer for what the client subscribes to: a description with all candidates in it."""
        with reached_at(self._hosts):
            await self._subscriber.setLocalDescription(await self._subscriber.createOffer())
        return _MSID.sub(f"a=msid:{self._msid}", self._subscriber.localDescription.sdp)

    async def take_answer(self, sdp: str) -> None:
        """The client's answer to it.  Raises Negotiation."""
        description, _ = self._counterpart.description(sdp, "answer")
        with _sense_made_of("answer"):
            await self._subscriber.setRemoteDescription(description)
            await self._add_early_candidates()

    async def answer(self, sdp: str) -> str:
        """The answer to what the client offers to publish.  Raises Negotiation."""
        description, sending = self._counterpart.description(sdp, "offer")
        with _sense_made_of("offer"), reached_at(self._hosts):
            await self._publisher.setRemoteDescription(description)
            self._listen_to_one_of(sending)
            await self._publisher.setLocalDescription(await self._publisher.createAnswer())
            await self._add_early_candidates()
        return str(self._publisher.localDescription.sdp)

    async def add_candidate(self, init: str, *, of_publisher: bool) -> None:
        """A further address of the client's, a JSON RTCIceCandidateInit.  Raises Negotiation."""
        candidate = self._counterpart.candidate(init)
        if candidate is not None:
            self._early.append((of_publisher, candidate))
            await self._add_early_candidates()

    def send(self, packet: bytes) -> None:
        """Send a packet of data, reliably, if it can be sent; a client that takes none is let go."""
        if self._reliable.readyState != "open":
            return
        if self._reliable.bufferedAmount > MOST_UNSENT_BYTES:
            self._told.gone("the caller takes no data")
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

    async def _add_early_candidates(self) -> None:
        early, self._early = self._early, []
        for of_publisher, candidate in early:
            connection = self._publisher if of_publisher else self._subscriber
            if connection.remoteDescription is None:
                self._early.append((of_publisher, candidate))
            else:
                with suppress(InvalidStateError):
                    await connection.addIceCandidate(candidate)

    def _listen_to_one_of(self, sending: frozenset[str]) -> None:
        """Listen to one microphone; the answer declines what else is published, which nobody would take in."""
        transceivers = self._publisher.getTransceivers()
        if self._microphone is None or self._microphone.mid not in sending:
            if self._listening is not None:
                self._listening.cancel()
            self._microphone = next((each for each in transceivers if each.mid in sending), None)
            if self._microphone is not None:
                self._listening = asyncio.create_task(self._listen(self._microphone.receiver.track))
        for each in transceivers:
            each.direction = "recvonly" if each is self._microphone else "inactive"

    async def _listen(self, track: MediaStreamTrack) -> None:
        sound = CallerSound()
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, AudioFrame):
                    self._told.heard(sound.of(frame))

    def _connection_changed(self) -> None:
        states = {self._subscriber.connectionState, self._publisher.connectionState}
        if self._closed:
            return
        if "failed" in states:
            self._told.gone("the caller's network was lost")
        elif "closed" in states:
            # Clients close them before they say so, or without a word; one that was killed looks the same.
            self._told.gone(LEFT)


@contextmanager
def _sense_made_of(kind: str) -> Iterator[None]:
    """Raise Negotiation for what a client's description leads to; aiortc does not say what that can be."""
    try:
        yield
    except Exception as error:
        raise Negotiation(f"an {kind} that cannot be used: {type(error).__name__}") from error
