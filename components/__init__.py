"""The component resources: a tunnel, the NixOS hosts that serve it, the DNS records that lead to it, who may come in; and all in one."""

from components.access import Access, AccessArgs
from components.connection import Connection, SshServer
from components.deploy import Deployment, deploy
from components.nixos_host import HostFile, NixosHost, NixosHostArgs
from components.records import Record, Records, RecordsArgs
from components.tunnel import Tunnel, TunnelArgs

__all__ = [
    "Access",
    "AccessArgs",
    "Connection",
    "Deployment",
    "HostFile",
    "NixosHost",
    "NixosHostArgs",
    "Record",
    "Records",
    "RecordsArgs",
    "SshServer",
    "Tunnel",
    "TunnelArgs",
    "deploy",
]
