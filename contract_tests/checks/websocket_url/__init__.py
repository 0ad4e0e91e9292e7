"""The URL that a call is dialled at, which is a credential: single-use, short-lived, unguessable, refused alike."""
