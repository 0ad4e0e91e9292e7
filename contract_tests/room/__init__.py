"""The room of a webrtc call: whether one answers at roomUrl, a participant in it, and the call as a line."""
