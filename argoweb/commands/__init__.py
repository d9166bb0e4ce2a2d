"""The commands, a file for each: `add_arguments` declares its arguments, `run` does it and gives the exit code."""
