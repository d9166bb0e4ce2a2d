"""What is meant for the inside of a server or of its network, known by the port or the socket that it has by default.

The ports are those of IANA's registry and of the programs' own documents. Ports that as many web applications have (3000,
8080, 9000 …) are left out, and SSH's, which is made for the open internet.
"""

import re
from urllib.parse import urlsplit

_PORTS = {
    25: "a mail server (SMTP)",
    111: "rpcbind",
    139: "Windows file shares (SMB)",
    389: "LDAP",
    445: "Windows file shares (SMB)",
    623: "a server's management (IPMI)",
    631: "CUPS",
    636: "LDAP",
    873: "rsync",
    1080: "a SOCKS proxy",
    1099: "Java's RMI",
    1433: "SQL Server",
    1521: "Oracle's database",
    1883: "MQTT",
    2019: "Caddy's admin interface",
    2049: "NFS",
    2181: "ZooKeeper",
    2375: "Docker's interface",
    2376: "Docker's interface",
    2377: "Docker's swarm",
    2379: "etcd",
    2380: "etcd",
    3100: "Loki",
    3128: "a web proxy",
    3260: "iSCSI",
    3306: "MySQL or MariaDB",
    3389: "a remote desktop (RDP)",
    4222: "NATS",
    4243: "Docker's interface",
    4369: "Erlang's port mapper",
    4646: "Nomad",
    4848: "GlassFish's admin interface",
    5005: "Java's debugger",
    5037: "Android's debugger",
    5432: "PostgreSQL",
    5601: "Kibana",
    5672: "RabbitMQ",
    5900: "a remote desktop (VNC)",
    5901: "a remote desktop (VNC)",
    5984: "CouchDB",
    **dict.fromkeys((5985, 5986), "Windows' management (WinRM)"),
    6379: "Redis",
    6432: "PgBouncer",
    6443: "Kubernetes' interface",
    7474: "Neo4j",
    7687: "Neo4j",
    8006: "Proxmox's admin interface",
    8086: "InfluxDB",
    8161: "ActiveMQ's admin interface",
    8200: "Vault or Duplicati",
    8222: "NATS",
    8265: "Ray's dashboard",
    8384: "Syncthing's admin interface",
    8404: "HAProxy's statistics",
    8428: "VictoriaMetrics",
    8500: "Consul",
    8529: "ArangoDB",
    8983: "Solr",
    9042: "Cassandra",
    9090: "Prometheus or Cockpit",
    9092: "Kafka",
    9093: "Alertmanager",
    9100: "the node exporter's metrics",
    9104: "MySQL's metrics",
    9115: "the blackbox exporter",
    9121: "Redis' metrics",
    9187: "PostgreSQL's metrics",
    9200: "Elasticsearch or OpenSearch",
    9222: "a browser's debugger",
    9229: "Node's debugger",
    9300: "Elasticsearch or OpenSearch",
    9323: "Docker's metrics",
    9901: "Envoy's admin interface",
    9990: "WildFly's admin interface",
    10050: "Zabbix' agent",
    10250: "the kubelet",
    10255: "the kubelet",
    11211: "memcached",
    11434: "Ollama",
    15672: "RabbitMQ's admin interface",
    19531: "systemd's journal",
    19532: "systemd's journal",
    19999: "Netdata",
    26257: "CockroachDB",
    26379: "Redis Sentinel",
    27017: "MongoDB",
    27018: "MongoDB",
    27019: "MongoDB",
    28015: "RethinkDB",
    33060: "MySQL",
    61616: "ActiveMQ",
    **dict.fromkeys(range(20241, 20246), "cloudflared's own metrics"),
}
_SCHEMES = {
    **dict.fromkeys(("postgres", "postgresql", "pgsql"), "PostgreSQL"),
    **dict.fromkeys(("mysql", "mariadb"), "MySQL or MariaDB"),
    **dict.fromkeys(("redis", "rediss"), "Redis"),
    **dict.fromkeys(("mongodb", "mongo"), "MongoDB"),
    **dict.fromkeys(("mssql", "sqlserver"), "SQL Server"),
    **dict.fromkeys(("amqp", "amqps"), "RabbitMQ"),
    **dict.fromkeys(("ldap", "ldaps"), "LDAP"),
    **dict.fromkeys(("mqtt", "mqtts"), "MQTT"),
    "memcached": "memcached",
    "docker": "Docker's interface",
    "nfs": "NFS",
    "rdp": "a remote desktop (RDP)",
    "smb": "Windows file shares (SMB)",
    "vnc": "a remote desktop (VNC)",
}
_METADATA = ("169.254.169.254", "fd00:ec2::254", "metadata.google.internal", "100.100.100.200")
"""Where the machines of AWS, Google, Azure and Alibaba read their own keys."""
_SOCKETS = (
    (r"docker[^/]*\.sock", "Docker's interface"),
    (r"podman[^/]*\.sock", "Podman's interface"),
    (r"(?:containerd|crio|buildkitd)\.sock", "the containers' runtime"),
    (r"\.s\.PGSQL\.\d+", "PostgreSQL"),
    (r"(?:mysqld?|mysqlx|mariadbd?)\.sock", "MySQL or MariaDB"),
    (r"(?:redis|valkey|keydb)[^/]*\.sock", "Redis"),
    (r"mongodb-\d+\.sock", "MongoDB"),
    (r"memcached\.sock", "memcached"),
    (r"ldapi", "LDAP"),
    (r"(?:system_bus_socket|bus)", "the system's message bus"),
    (r"libvirt-sock\S*|virtqemud-sock\S*", "libvirt"),
    (r"(?:incus|lxd)(?:/|/.+/)unix\.socket", "Incus or LXD"),
    (r"nix/daemon-socket/socket", "Nix's daemon"),
    (r"systemd/(?:private|notify|journal/\S+)", "systemd"),
    (r"tailscaled\.sock", "Tailscale's interface"),
    (r"caddy[^/]*admin[^/]*", "Caddy's admin interface"),
    (r"admin\.sock(?:et)?", "an admin interface"),
    (r"agent\.\d+|ssh-agent[^/]*", "an SSH agent"),
)
"""What the end of a path must match, after a '/'."""
_SOCKET = re.compile(r"unix(?:\+\w+)?(?::|/)(.*)")


def find_inside_thing(address: str) -> str | None:
    """Finds what is known to be at an address; `None` if nothing is.

    The address is a URL, `host:port`, or a socket in cloudflared's form (`unix:/path`) or Caddy's (`unix//path`).
    """
    if (socket := _SOCKET.fullmatch(address)) is not None:
        path = socket[1].rstrip("/")
        return next(
            (name for ends, name in _SOCKETS if re.search(rf"/(?:{ends})$", path)),
            None,
        )
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        port = parts.port
    except ValueError:
        return None
    if parts.hostname in _METADATA:
        return "the cloud's metadata"
    return _PORTS.get(port or 0) or _SCHEMES.get(parts.scheme.lower())
