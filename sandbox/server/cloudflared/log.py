"""What cloudflared says, line by line."""

import sys
import time


def log(level: str, text: str, **fields: object) -> None:
    """A line as the real one writes it: fields by name, `error` first and in quotes."""
    error = fields.pop("error", None)
    words = [] if error is None else [f'error="{error}"']
    words += [f"{key}={value}" for key, value in sorted(fields.items())]
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print(f"{stamp} {level} {text} {' '.join(words)}".rstrip(), file=sys.stderr, flush=True)
