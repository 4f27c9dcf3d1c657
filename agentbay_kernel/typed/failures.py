"""What is said when a value cannot go, or must not come."""

from __future__ import annotations


class NotTyped(TypeError):
    """Raised when a value has no form that is safe to send."""


class BadData(ValueError):
    """Raised when bytes are not what they claim to be; nothing of them was used."""


def need(name: str, package: str = "") -> NotTyped:
    """The error for a library that is missing on the side where it is raised."""
    return NotTyped(f"This needs {name}: %pip install {package or name}")
