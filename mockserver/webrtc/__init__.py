"""`connectionType: webrtc`: the room in which a browser and the agent meet, and the offer of it on the control socket.

The room speaks LiveKit's protocol; nothing in here is loaded before the first such call is dialled but what offers it.
"""
