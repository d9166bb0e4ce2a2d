"""What ours takes against OpenTofu with Cloudflare's own provider, where both programs are on PATH."""

import base64
import json
import shutil
from functools import partial
from pathlib import Path

from bench.commands import Taken, compared, taken
from bench.lab import UP, Lab
from bench.rounds import Row, interleaved
from bench.stacks import in_flat_words, sites

SITES = 500
_PROVIDER = "terraform-provider-cloudflare"
_QUICK = "-refresh=false"
"""Without it OpenTofu asks Cloudflare for each record, which Pulumi does when it is told to refresh only."""


class _Tofu:
    """The configuration in `bench/tofu`, with values of its own."""

    def __init__(self, lab: Lab, provider: Path) -> None:
        self._world = lab.world
        self._folder = lab.world.root / "bench/tofu"
        (self._folder / "tofurc").write_text(
            f'provider_installation {{\n  dev_overrides {{ "cloudflare/cloudflare" = "{provider.parent}" }}\n}}\n'
        )
        declared = sites(SITES, mark="tofu")
        lab.seed({site.zone: site.zone_id for site in declared})
        values = {
            "account": lab.account,
            "secret": base64.b64encode(bytes(32)).decode(),
            "private_key_file": lab.world.status["ssh"]["private_key_file"],
            "servers": lab.ours.doors(["web2"]),
            "sites": in_flat_words(declared),
        }
        (self._folder / "terraform.tfvars.json").write_text(json.dumps(values))

    def run(self, *words: str) -> Taken:
        """What `tofu …` takes."""
        variables = f"TF_CLI_CONFIG_FILE={self._folder / 'tofurc'}"
        return taken(lambda: self._world.run("env", variables, "tofu", *words, folder="bench/tofu"))


def rows(lab: Lab, rounds: int) -> list[Row]:
    """From nothing, and when nothing has changed; no rows where OpenTofu is not."""
    provider = shutil.which(_PROVIDER)
    if provider is None or shutil.which("tofu") is None:
        print(f"NOT MEASURED: OpenTofu, which wants tofu and {_PROVIDER} on PATH")
        return []
    tofu = _Tofu(lab, Path(provider))
    lab.declare(lab.ours, sites(SITES, mark="ours"), ["web1"])
    what = f"up from nothing, {SITES} sites: against OpenTofu"
    found = compared(what, [lab.ours.taken(*UP)], [tofu.run("apply", "-auto-approve")], None)
    for what, words, tofus in (
        ("preview, OpenTofu without its refresh", ("preview",), ("plan", _QUICK)),
        ("preview with --refresh", ("preview", "--refresh"), ("plan",)),
    ):
        runs = {"ours": partial(lab.ours.taken, *words), "tofu": partial(tofu.run, *tofus)}
        both = interleaved(runs, rounds)
        label = f"no-op {what}, {SITES} sites: against OpenTofu"
        found += compared(label, both["ours"], both["tofu"], None)
    tofu.run("destroy", "-auto-approve")
    lab.ours.destroy()
    return found
