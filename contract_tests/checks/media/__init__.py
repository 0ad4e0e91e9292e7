"""How a call behaves once it is dialled, on the connection types whose audio is on the socket."""
