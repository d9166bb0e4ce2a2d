"""The component resources (a tunnel, the NixOS servers that run it, the records that lead to it, Access), and the function that makes a whole deployment of them."""

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
