"""What is known by its port, its scheme or its socket, and should hardly be open to every visitor."""

import os
from pathlib import Path

from cloudflared.inside import _SCHEMES, find_inside_thing

READ_LAST = Path(__file__).with_name("inside.txt")
SOCKETS = (
    "/var/run/docker.sock", "/run/docker-proxy.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock", "/run/crio/crio.sock",
    "/run/buildkit/buildkitd.sock", "/run/postgresql/.s.PGSQL.5432", "/run/mysqld/mysqld.sock", "/run/mysql.sock", "/run/mysqlx.sock",
    "/run/mariadb.sock", "/run/mariadbd.sock", "/run/redis-web/redis.sock", "/run/valkey/valkey.sock", "/run/keydb.sock",
    "/tmp/mongodb-27017.sock", "/run/memcached/memcached.sock", "/run/openldap/ldapi", "/run/dbus/system_bus_socket", "/run/user/0/bus",
    "/run/libvirt/libvirt-sock-ro", "/run/libvirt/virtqemud-sock", "/var/lib/incus/unix.socket", "/var/lib/lxd/x/unix.socket",
    "/nix/var/nix/daemon-socket/socket", "/run/systemd/private", "/run/systemd/notify", "/run/systemd/journal/stdout",
    "/run/tailscale/tailscaled.sock", "/run/caddy/caddy-admin.sock", "/run/x/admin.sock", "/run/x/admin.socket", "/tmp/agent.77", "/run/ssh-agent.socket",
    "/run/app.sock", "/run/mydocker/app", "/run/bus/app", "/run/administrator.sock", "/run/system_bus_socket/x",
)  # fmt: skip
HOSTS = (
    "169.254.169.254",
    "[fd00:ec2::254]",
    "metadata.google.internal",
    "100.100.100.200",
    "169.254.169.253",
)


def test_what_is_known_is_what_was_read_last() -> None:
    asked = [
        *(f"127.0.0.1:{port}" for port in range(1, 65536)),
        *(f"{scheme}://127.0.0.1" for scheme in (*_SCHEMES, "http", "https", "tcp", "ssh")),
        *(f"http://{host}/latest" for host in HOSTS),
        *(f"unix:{path}" for path in SOCKETS),
        *(f"unix+tls:{path}/" for path in SOCKETS[:1]),
        *(f"unix/{path}" for path in SOCKETS[:1]),
        "http://127.0.0.1:x",
    ]
    names = {address: find_inside_thing(address) for address in asked}
    text = "".join(
        f"{address} {name or '-'}\n"
        for address, name in names.items()
        if name or not address.startswith("127.0.0.1:")
    )

    if "WRITE" in os.environ:  # as `make messages` does
        READ_LAST.write_text(text)
    assert text == READ_LAST.read_text(), "run `make messages` and read what has changed"
