"""What a client says of its own end: descriptions and candidates, looked through before aiortc acts on them."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

from aiortc import RTCIceCandidate, RTCSessionDescription
from aiortc.sdp import SessionDescription, candidate_from_sdp

MOST_MEDIA = 50
"""How many media a description may have; for each of them there may be a socket and a thread."""

MOST_CANDIDATES = 100
"""How many addresses of one client are tried (RFC 8445, 6.1.2.5): nobody is to be flooded on somebody's word."""

_KINDS = ("audio", "video", "application")
_CANDIDATE = "a=candidate:"


class Negotiation(ValueError):
    """A client said what makes no sense; the text says what."""


class Counterpart:
    """The client's end, as far as it has told of it."""

    def __init__(self) -> None:
        self._candidates = 0

    def description(self, sdp: str, kind: str) -> tuple[RTCSessionDescription, frozenset[str]]:
        """A description, offer or answer, and the ids of the media on which sound is sent.  Raises Negotiation."""
        try:
            kept = "".join(filter(self._is_kept, sdp.splitlines(keepends=True)))
            media = SessionDescription.parse(kept)
        except Exception as error:
            raise Negotiation(f"an {kind} that cannot be read: {type(error).__name__}") from error
        if len(media.media) > MOST_MEDIA:
            raise Negotiation(f"an {kind} of {len(media.media)} media, at most {MOST_MEDIA} are taken")
        ids = {each.rtp.muxId for each in media.media if each.kind in _KINDS}
        if not all(group.items[0] in ids for group in media.group if group.items):
            # aiortc would do away with the transports of the others, and could not be closed any more.
            raise Negotiation(f"an {kind} whose media are bundled with one that it does not have")
        sending = (
            each.rtp.muxId
            for each in media.media
            if each.kind == "audio" and each.direction in ("sendrecv", "sendonly")
        )
        return RTCSessionDescription(kept, kind), frozenset(sending)

    def candidate(self, init: str) -> RTCIceCandidate | None:
        """A further address, a JSON RTCIceCandidateInit; None for one that is not to be tried.  Raises Negotiation."""
        try:
            told: dict[str, Any] = json.loads(init)
            line = str(told.get("candidate") or "")
            if not line:
                return None
            candidate = candidate_from_sdp(line.partition(":")[2])
        except (ValueError, AttributeError, AssertionError, IndexError, RecursionError) as error:
            raise Negotiation(f"a candidate that cannot be read: {type(error).__name__}") from None
        candidate.sdpMid, candidate.sdpMLineIndex = told.get("sdpMid"), told.get("sdpMLineIndex")
        if candidate.sdpMid is None and candidate.sdpMLineIndex is None:
            raise Negotiation("a candidate with neither sdpMid nor sdpMLineIndex")
        return candidate if self._is_tried(candidate) else None

    def _is_kept(self, line: str) -> bool:
        return not line.startswith(_CANDIDATE) or self._is_tried(candidate_from_sdp(line.removeprefix(_CANDIDATE)))

    def _is_tried(self, candidate: RTCIceCandidate) -> bool:
        try:
            ipaddress.ip_address(candidate.ip)
        except ValueError:
            # A browser's pseudonym (.local), which would have to be asked for in the whole network: the address shows
            # by itself as soon as the browser sends anything.
            return False
        if candidate.protocol.lower() != "udp" or not 0 < candidate.port < 65536:
            return False
        self._candidates += 1
        return self._candidates <= MOST_CANDIDATES
