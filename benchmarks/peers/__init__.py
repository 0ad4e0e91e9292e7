"""What the mock is held against: other mock servers, and the same work done with less."""
