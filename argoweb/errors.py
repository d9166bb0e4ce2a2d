"""The error that ends a command which cannot tell what it was asked."""


class StackUnreadable(Exception):
    """What a stack declares is not known; the text says why and what to do."""
