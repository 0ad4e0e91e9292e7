"""The caller in a room: LiveKit's signalling (v0) on one WebSocket.

Source: github.com/livekit/protocol, protobufs/livekit_rtc.proto; docs.livekit.io, "Client protocol".
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress

from google.protobuf.message import DecodeError
from livekit.protocol import models, rtc

from mockserver.session import MOST_UNSENT_BYTES
from mockserver.webrtc.counterpart import Negotiation
from mockserver.webrtc.line import Listener
from mockserver.webrtc.peers import LEFT, LET_GO_WITHIN_S, Peers
from mockserver.webrtc.rooms import AGENT
from mockserver.webrtc.sound import AgentTrack
from mockserver.webrtc.tokens import Admission
from mockserver.websocket import WebSocket

CONNECT_WITHIN_S = 20.0
"""How long a client may take from its join until media can flow, in seconds; LiveKit's clients give up after 15."""

MOST_REQUESTS = 500
"""How many requests of a client may wait to be served."""

PING_INTERVAL_S, PING_TIMEOUT_S = 5, 15
"""How often a client is to ping, and how long after it is lost."""

SERVER_VERSION, PROTOCOL = "1.9.0", 16
"""The LiveKit server whose dialect this is, for clients that ask."""

log = logging.getLogger("calls")
# Its words at the level at which the mock speaks are of no use to users: who asks for more gets them.
logging.getLogger("aioice").setLevel(logging.WARNING)
logging.getLogger("aiortc").setLevel(logging.WARNING)


class Participant:
    """One caller, from the join to the end; a receiver of what comes on its WebSocket, and a venue of the call's line.

    Args:
        admission: what the caller's token allows.
        listener: is told what the caller does.
        hosts: where this end is reached.
    """

    def __init__(self, admission: Admission, listener: Listener, *, hosts: Sequence[str]) -> None:
        self._admission = admission
        self._listener = listener
        self._socket: WebSocket | None = None
        self._requests: asyncio.Queue[rtc.SignalRequest] = asyncio.Queue(MOST_REQUESTS)
        self._sid, self._agent_sid = _sid("PA"), _sid("PA")
        self._agent_track_sid = _sid("TR")
        msid = f"{self._agent_sid}|{self._agent_track_sid} {self._agent_track_sid}"
        self._track = AgentTrack()
        self._peers = Peers(self, self._track, msid, hosts)
        self._serving: asyncio.Task[None] | None = None
        self._at_work = asyncio.Lock()
        self._closing: asyncio.Task[None] | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._open = False
        # The caller's microphone, as long as nothing came of it.
        self._unheard_sid = ""

    # What the WebSocket tells.

    def opened(self, socket: WebSocket) -> None:
        """The WebSocket is open."""
        self._socket = socket
        self._send(rtc.SignalResponse(join=self._welcome()))
        self._serving = asyncio.create_task(self._serve())
        self._patience = asyncio.get_running_loop().call_later(CONNECT_WITHIN_S, self._give_up)

    def receive(self, wire: str | bytes) -> None:
        """A message came; text is of a dialect that is not spoken here."""
        if isinstance(wire, str):
            return
        try:
            request = rtc.SignalRequest.FromString(bytes(wire))
        except DecodeError:
            log.warning("room %s: was sent a message that is no SignalRequest", self._admission.room)
            return
        try:
            self._requests.put_nowait(request)
        except asyncio.QueueFull:
            self._leave("the client floods the room")

    def lost(self, peer_said: str) -> None:
        """The WebSocket is gone; who is still heard may come back to it no more, and goes on without it."""
        self._socket = None
        if not self._open:
            self._leave("the caller went away before the room was joined")

    # What the connections tell.

    def connected(self) -> None:
        """Data can be sent, and the agent is heard."""
        if self._closing is not None:
            return
        self._open = True
        if self._patience is not None:
            self._patience.cancel()
        self._listener.joined()

    def heard(self, audio: bytes) -> None:
        """The caller spoke."""
        if self._closing is not None:
            return
        if self._unheard_sid:
            # Clients that wait for it begin to speak only now.
            self._send(rtc.SignalResponse(track_subscribed=rtc.TrackSubscribed(track_sid=self._unheard_sid)))
            self._unheard_sid = ""
        self._listener.heard(audio)

    def said(self, packet: bytes) -> None:
        """The caller sent a packet of data."""
        if self._closing is not None:
            return
        try:
            data = models.DataPacket.FromString(packet)
        except DecodeError:
            log.warning("room %s: was sent data that is no DataPacket", self._admission.room)
            return
        if data.WhichOneof("value") == "user":
            self._listener.said(data.user.payload)

    def gone(self, why: str) -> None:
        """The caller cannot be reached any more."""
        self._leave(why)

    # What the call's line wants.

    def play(self, audio: bytes) -> None:
        """Let the caller hear this, as ROOM_AUDIO; an empty one withdraws what is still to be heard."""
        if audio:
            self._track.play(audio)
        else:
            self._track.withdraw()

    def send(self, data: bytes) -> None:
        """Send data of the agent's, if the caller can be reached."""
        user = models.UserPacket(payload=data, participant_identity=AGENT, participant_sid=self._agent_sid)
        packet = models.DataPacket(kind=models.DataPacket.RELIABLE, participant_identity=AGENT, user=user)
        if self._open:
            self._peers.send(packet.SerializeToString())

    def close(self) -> None:
        """The call is over: tell the client, and let go of everything."""
        leave = rtc.LeaveRequest(reason=models.DisconnectReason.ROOM_DELETED, action=rtc.LeaveRequest.DISCONNECT)
        self._send(rtc.SignalResponse(leave=leave))
        if self._socket is not None:
            self._socket.close(1000, "the call is over")
        self._let_go()

    def drop(self) -> None:
        """Cut the line without a word."""
        if self._socket is not None:
            self._socket.drop()
        self._let_go()

    async def closed(self) -> None:
        """Wait until everything was let go of, and cut what is left."""
        if self._closing is not None:
            await self._closing
        if self._socket is not None:
            self._socket.drop()

    def _leave(self, reason: str) -> None:
        if self._closing is None:
            self.close()
            self._listener.left(reason)

    def _give_up(self) -> None:
        self._leave(f"no media connection came about within {CONNECT_WITHIN_S:g} s (is UDP blocked?)")

    def _let_go(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        if self._closing is None:
            self._closing = asyncio.create_task(self._close_all())

    async def _close_all(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LET_GO_WITHIN_S), self._at_work:
                # What was begun is done: aioice does not close sockets that it opens for who is gone meanwhile.
                pass
        if self._serving is not None:
            self._serving.cancel()
        self._track.stop()
        await self._peers.close()

    async def _serve(self) -> None:
        """Offer what can be heard, then serve the client's requests one after the other."""
        try:
            async with self._at_work:
                offer = rtc.SessionDescription(type="offer", sdp=await self._peers.offer(), id=1)
            self._send(rtc.SignalResponse(offer=offer))
            while self._closing is None:
                request = await self._requests.get()
                async with self._at_work:
                    await self._answer(request)
        except Negotiation as error:
            log.warning("room %s: was sent %s", self._admission.room, error)
            self._leave(f"the client sent {error}")
        except Exception:
            log.exception("room %s failed", self._admission.room)
            self._leave("the mock failed; its log says more")

    async def _answer(self, request: rtc.SignalRequest) -> None:
        """React to one request; those that are not named need no answer."""
        match request.WhichOneof("message"):
            case "answer":
                await self._peers.take_answer(request.answer.sdp)
            case "offer":
                answer = await self._peers.answer(request.offer.sdp)
                self._send(
                    rtc.SignalResponse(answer=rtc.SessionDescription(type="answer", sdp=answer, id=request.offer.id))
                )
            case "trickle":
                of_publisher = request.trickle.target == rtc.SignalTarget.PUBLISHER
                await self._peers.add_candidate(request.trickle.candidateInit, of_publisher=of_publisher)
            case "add_track":
                self._send(rtc.SignalResponse(track_published=self._published(request.add_track)))
            case "ping_req":
                now_ms = int(time.time() * 1000)
                self._send(
                    rtc.SignalResponse(
                        pong_resp=rtc.Pong(last_ping_timestamp=request.ping_req.timestamp, timestamp=now_ms)
                    )
                )
            case "ping":
                self._send(rtc.SignalResponse(pong=int(time.time() * 1000)))
            case "leave":
                self._leave(LEFT)

    def _published(self, asked: rtc.AddTrackRequest) -> rtc.TrackPublishedResponse:
        sid = _sid("TR")
        if asked.type == models.TrackType.AUDIO:
            self._unheard_sid = sid
        track = models.TrackInfo(sid=sid, type=asked.type, name=asked.name, source=asked.source, muted=asked.muted)
        return rtc.TrackPublishedResponse(cid=asked.cid, track=track)

    def _welcome(self) -> rtc.JoinResponse:
        now_s = int(time.time())
        anything = models.ParticipantPermission(can_subscribe=True, can_publish=True, can_publish_data=True)
        may = models.ParticipantPermission(
            can_subscribe=self._admission.may_subscribe,
            can_publish=self._admission.may_publish,
            can_publish_data=self._admission.may_send,
        )
        voice = models.TrackInfo(
            sid=self._agent_track_sid,
            type=models.TrackType.AUDIO,
            name=AGENT,
            source=models.TrackSource.MICROPHONE,
            mime_type="audio/opus",
        )
        agent = models.ParticipantInfo(
            sid=self._agent_sid,
            identity=AGENT,
            kind=models.ParticipantInfo.AGENT,
            state=models.ParticipantInfo.ACTIVE,
            joined_at=now_s,
            is_publisher=True,
            tracks=[voice],
            permission=anything,
        )
        caller = models.ParticipantInfo(
            sid=self._sid, identity=self._admission.identity, joined_at=now_s, permission=may
        )
        return rtc.JoinResponse(
            room=models.Room(sid=_sid("RM"), name=self._admission.room, creation_time=now_s),
            participant=caller,
            other_participants=[agent],
            subscriber_primary=True,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            server_version=SERVER_VERSION,
            server_info=models.ServerInfo(version=SERVER_VERSION, protocol=PROTOCOL),
        )

    def _send(self, response: rtc.SignalResponse) -> None:
        socket = self._socket
        if socket is None:
            return
        socket.send(response.SerializeToString())
        if socket.unsent_bytes > MOST_UNSENT_BYTES:
            # Who does not read cannot be told.
            self._socket = None
            self._leave("this end reads too slowly")
            socket.drop()


def _sid(kind: str) -> str:
    """An id as LiveKit makes them: what it is of, and some letters."""
    return f"{kind}_{secrets.token_urlsafe(9)}"
