"""Looks for the packages that this room imports: `python -m settings` and `python -m argoweb` come here before them."""

from values.packages import require

require("pulumi", "yaml")
