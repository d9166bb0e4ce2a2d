"""The command line: what a stack is like, what differs, what is missing before the first `pulumi up`."""
