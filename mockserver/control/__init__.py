"""The control API: what the mock remembers, and what can be done in its calls; and its client."""

PREFIX = "/__mock__/"
"""What all paths of the mock's own begin with."""

PAGE, DOCS = "/", "/docs"
"""Where the inspector is, and where the contract is shown."""


def is_own(path: str) -> bool:
    """Whether a path is the mock's own, and not the contract's."""
    return path.startswith(PREFIX) or path in (PAGE, DOCS)
