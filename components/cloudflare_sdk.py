"""The Cloudflare resources of this program, without the rest of their SDK.

`import pulumi_cloudflare` takes 2.6 s of processor time and 120 MB (6.23.1 on Python 3.11), nearly all of it to make
the 6 300 nested types in its `_inputs` and `outputs`. This reads the same files and makes of these types only those
that the two resources mention: 0.06 s and 13 MB. What comes out are the SDK's own classes, in a package of their own,
so that a plain `import pulumi_cloudflare` beside it is what it always is.

An SDK that is laid out in another way is imported whole, which loses nothing but the time; a test says so.
"""

import re
import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_loader
from pathlib import Path
from typing import TYPE_CHECKING, Any

_SDK = "pulumi_cloudflare"
_EXCERPT = f"{_SDK}.excerpt"
"""Below the SDK's name, by which its modules find their version."""
_RESOURCES = ("dns_record", "zero_trust_tunnel_cloudflared")
_NESTED = {"outputs": rb"'outputs\.(\w+)'", "_inputs": rb"'(\w+Args)'"}
"""The modules of nested types, and how other classes mention one of their types."""


def _excerpt() -> list[Any]:
    """The modules of the resources, in a package that has of the nested types only what they need."""
    whole: Any = find_spec(_SDK)
    (folder,) = map(Path, whole.submodule_search_locations)
    package = _new_module(_EXCERPT)
    package.__path__ = [str(folder)]
    package._utilities = import_module(f"{_EXCERPT}._utilities")
    users = b"".join((folder / f"{name}.py").read_bytes() for name in _RESOURCES)
    for name, mention in _NESTED.items():
        path = folder / f"{name}.py"
        source = path.read_bytes()
        types = _mentioned(users, mention, source)
        imports = source[: source.index(b"\n__all__ = ")]
        module = _new_module(f"{_EXCERPT}.{name}")
        setattr(package, name, module)
        module.__all__ = [word.decode() for word in types]
        exec(compile(imports + b"".join(types.values()), path, "exec"), module.__dict__)
    return [import_module(f"{_EXCERPT}.{name}") for name in _RESOURCES]


def _mentioned(users: bytes, mention: bytes, source: bytes) -> dict[bytes, bytes]:
    """The text of each class that the users mention, and of those that these mention in turn."""
    types: dict[bytes, bytes] = {}
    while missing := {*re.findall(mention, users)} - {*re.findall(rb"\nclass (\w+)", users)}:
        for name in missing:
            text = rb"\n@pulumi\.\w+_type\nclass %s\b(?:\n(?!\S)|[^\n])*\n" % name
            found: Any = re.search(text, source)
            types[name] = found[0]
            users += found[0]
    return types


def _new_module(name: str) -> Any:
    spec: Any = spec_from_loader(name, None)
    sys.modules[name] = module_from_spec(spec)
    return sys.modules[name]


if TYPE_CHECKING:
    from pulumi_cloudflare import DnsRecord, ZeroTrustTunnelCloudflared
else:
    try:
        _dns_record, _tunnel = _excerpt()
    except Exception:  # whatever it is that is not where it was
        _dns_record = _tunnel = import_module(_SDK)
    DnsRecord = _dns_record.DnsRecord
    ZeroTrustTunnelCloudflared = _tunnel.ZeroTrustTunnelCloudflared

__all__ = ["DnsRecord", "ZeroTrustTunnelCloudflared"]
