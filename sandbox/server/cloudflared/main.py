"""cloudflared for the sandbox: the commands of the real one that are needed here."""

import gc
import os
import sys
from urllib.parse import urlsplit

from .rules import Refused, load_config, load_rules
from .target import decoded_path
from .version import VERSION

BOOLEAN_FLAGS = {"no-autoupdate", "autoupdate", "post-quantum", "no-prechecks"}


def parse(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Commands and flags; flags may stand anywhere, as in the real command line."""
    commands, flags = [], {}
    rest = iter(words)
    for word in rest:
        if not word.startswith("--"):
            commands.append(word)
            continue
        name, given, value = word[2:].partition("=")
        flags[name] = value if given else ("true" if name in BOOLEAN_FLAGS else next(rest, ""))
    return commands, flags


def run(words: list[str]) -> int:
    """Does what the words say; the exit code.

    Raises:
        Refused: the real one would refuse it.
    """
    commands, flags = parse(words)
    if "version" in flags or commands[:1] == ["version"]:
        print(f"cloudflared version {VERSION} (sandbox)")
        return 0
    config = flags.pop("config", "")
    flags.pop("no-autoupdate", None)
    match commands:
        case ["tunnel", "ingress", "validate"]:
            print("Validating rules from", config, flush=True)
            try:
                load_rules(load_config(config))
            except Refused as error:
                raise Refused(f"Validation failed: {error}") from error
            print("OK")
        case ["tunnel", "ingress", "rule", url]:
            print("Using rules from", config)
            target = urlsplit(url)
            if not target.hostname:
                raise Refused(f"{url} doesn't have a hostname, consider adding a scheme")
            for number, rule in enumerate(load_rules(load_config(config))):
                if rule.matches(target.hostname, decoded_path(target.path)):
                    print(f"Matched rule #{number}\n{rule.lines()}")
                    break
        case ["tunnel", "run", *_]:
            # The real one validates in less time than the modules of a running tunnel take here.
            from .connector import run_tunnel

            gc.enable()
            run_tunnel(load_config(config), flags)
        case _:
            raise Refused(f"the sandbox's cloudflared does not know: {' '.join(words)}")
    return 0


def main() -> None:
    """Ends the process, as quickly as the real one does: Python would tidy up first."""
    try:
        code = run(sys.argv[1:])
    except Refused as refused:
        print(refused, file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
