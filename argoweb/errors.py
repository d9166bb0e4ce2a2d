"""The error that ends a command of the command line."""


class StackUnreadable(Exception):
    """A stack cannot be read, or a command lacks what it needs; the text says why and what to do."""
