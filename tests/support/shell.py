"""What a command of the shell gives back."""

from __future__ import annotations

from collections.abc import Callable

Command = Callable[..., tuple[int, str, str]]
"""Somebody's login and the arguments; returns exit code, output and errors."""
