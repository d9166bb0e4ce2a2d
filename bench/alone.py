"""What needs no sandbox: the import of the SDK, and settings, checks and rendering."""

import json
import subprocess
import sys
import time
from functools import partial

from bench.rounds import Row, interleaved, ratio
from bench.stacks import of_every_kind, settings_of
from render import (
    FileEntry,
    render_caddyfile,
    render_cloudflared_yml,
    render_manifest,
    render_module_json,
    render_serving,
)

_IMPORT = """
import json, resource, sys, time
import pulumi
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.process_time()
import {module}
seconds = time.process_time() - began
print(json.dumps([seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024]))
"""
"""After Pulumi's own SDK, which every program needs."""
_SIZES = (500, 5000)
_UUID = "00000000-0000-4000-8000-000000000000"


def rows(rounds: int) -> list[Row]:
    """In fresh interpreters, and in this one."""
    modules = {"ours": "components.cloudflare", "flat": "pulumi_cloudflare"}
    imports = interleaved({name: partial(_import, it) for name, it in modules.items()}, rounds)
    found = interleaved({str(size): partial(_settings, size) for size in _SIZES}, rounds)
    few, many = (found[str(size)] for size in _SIZES)
    return [
        ratio(
            "import of the Cloudflare SDK, processor time", imports["ours"], imports["flat"], 0.1
        ),
        Row(
            measure=f"settings, checks and rendering, {_SIZES[0]} sites: seconds",
            value=sorted(few)[len(few) // 2],
            target=0.3,
            samples={"ours": few},
        ),
        ratio(
            f"the same, {_SIZES[1]} sites against {_SIZES[0]}",
            many,
            few,
            _SIZES[1] / _SIZES[0] * 1.1,
        ),
    ]


def _import(module: str) -> float:
    code = _IMPORT.format(module=module)
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(json.loads(shown.stdout)[0])


def _settings(count: int) -> float:
    """From the stack's values to the text of each file; the processor time it takes, in seconds."""
    values = of_every_kind(count)
    began = time.process_time()
    settings = settings_of(values)
    texts = [
        render_caddyfile(settings),
        render_cloudflared_yml(settings, _UUID),
        render_module_json(settings, _UUID),
    ]
    entries = [
        FileEntry(name=str(n), mode="644", owner="root:root", sha256="0" * 64, path=f"/{n}")
        for n, _ in enumerate(texts)
    ]
    render_manifest(
        render_serving(settings), settings.servers[0].rebuild, owner="argoweb/bench", files=entries
    )
    return time.process_time() - began
