"""What a stack declares, checked and complete, and what follows from it. It begins in `stack.py`."""
