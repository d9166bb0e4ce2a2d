"""The component resources: a tunnel, the NixOS hosts that serve it, and the DNS records that lead to it."""

from components.nixos_host import NixosHost, NixosHostArgs
from components.records import Records, RecordsArgs
from components.tunnel import Tunnel, TunnelArgs

__all__ = [
    "NixosHost",
    "NixosHostArgs",
    "Records",
    "RecordsArgs",
    "Tunnel",
    "TunnelArgs",
]
