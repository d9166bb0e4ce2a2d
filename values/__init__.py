"""The kinds of values that keys take, what is found wrong with one, and how it is written down."""
