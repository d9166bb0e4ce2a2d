"""The keys of the stack file, each with its type, default and meaning. They begin in `stack.py`."""
