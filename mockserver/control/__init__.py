"""The control API: what the mock remembers, and what can be done in its calls; and its client."""
