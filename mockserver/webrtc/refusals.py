"""Why somebody is not let into a room, or gets none."""

from __future__ import annotations


class RoomRefused(Exception):
    """There is no room for somebody; the text says why, without any token."""


class TokenRefused(RoomRefused):
    """The token does not open the room."""


class RoomGone(RoomRefused):
    """The token opens a room that is not there."""


class TooManyRooms(RoomRefused):
    """As many webrtc calls are in progress as there may be."""
