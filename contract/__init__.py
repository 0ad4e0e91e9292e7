"""The Calls contract as Python: documents, events, codec, stream, audio.  Opens no socket and reads no clock."""
