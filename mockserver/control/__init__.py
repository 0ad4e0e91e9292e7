"""The control API: what the mock remembers, and what can be done in its calls; and its client."""

PREFIX = "/__mock__/"
"""What all paths of the mock's own begin with."""
