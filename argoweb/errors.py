"""The error that ends a command of the command line, and the words for one of the network."""

import os


class StackUnreadable(Exception):
    """A stack cannot be read, or a command lacks what it needs; the text says why and what to do."""


def say_why(error: Exception) -> str:
    """Says why a connection failed, without numbers and the words by which asyncio says it; empty if nothing is known."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
    return str(error)
