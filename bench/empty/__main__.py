import pulumi  # noqa: F401
