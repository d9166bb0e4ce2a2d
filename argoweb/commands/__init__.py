"""One file a command: `add_arguments(parser)` says what it takes, `run(given)` does it and gives the exit code."""
