"""Operations on tunnels."""

import base64
import binascii
import json
import secrets
import uuid
from dataclasses import replace
from typing import Any

from .errors import (
    InvalidConfiguration,
    InvalidTunnel,
    TunnelHasConnections,
    TunnelNameTaken,
    UnknownInput,
)
from .models import Tunnel, now
from .routes import PAGING, Call, Json, Reply, Route, paged, refuse_unknown
from .store import Store

SECRET_BYTES = 32
RULE_FIELDS = frozenset({"hostname", "path", "service", "originRequest"})
CONFIG_FIELDS = frozenset({"ingress", "originRequest", "warp-routing"})


def shown(call: Call, tunnel: Tunnel) -> Json:
    """A tunnel as the API shows it since October 2026: without its secret and its connections, which have a path of
    their own, and with `config_src` in the place of `remote_config`.
    """
    without = "down" if tunnel.conns_active_at else "inactive"
    return {
        "id": tunnel.id,
        "account_tag": tunnel.account_id,
        "created_at": tunnel.created_at,
        "deleted_at": tunnel.deleted_at,
        "name": tunnel.name,
        "conns_active_at": tunnel.conns_active_at,
        "conns_inactive_at": tunnel.conns_inactive_at,
        "tun_type": "cfd_tunnel",
        "metadata": {},
        "status": "healthy" if call.live.connections(tunnel.id) else without,
        "config_src": tunnel.config_src,
    }


def token_of(tunnel: Tunnel) -> str:
    """The token `cloudflared tunnel run --token` takes."""
    content = {"a": tunnel.account_id, "t": tunnel.id, "s": tunnel.secret}
    return base64.b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def checked_secret(value: Any) -> str:
    """The secret when it is base64 of 32 bytes or more."""
    try:
        length = len(base64.b64decode(value, validate=True))
    except (binascii.Error, TypeError, ValueError) as error:
        raise InvalidTunnel("tunnel_secret must be base64") from error
    if length < SECRET_BYTES:
        raise InvalidTunnel(f"tunnel_secret has {length} bytes; at least {SECRET_BYTES} expected")
    return str(value)


def checked_name(store: Store, account_id: str, value: Any, own_id: str | None = None) -> str:
    """The name when no other living tunnel of the account has it."""
    if not isinstance(value, str) or not value:
        raise InvalidTunnel("name must be a text that is not empty")
    for other in store.tunnels.values():
        clashes = (other.account_id, other.name, other.deleted_at) == (account_id, value, None)
        if clashes and other.id != own_id:
            raise TunnelNameTaken
    return value


def create(call: Call) -> Reply:
    account = call.store.account(call.path["acc"])
    source = call.body.get("config_src", "local")
    if source not in ("local", "cloudflare"):
        raise InvalidTunnel(f"config_src is {source!r}; expected local or cloudflare")
    secret = call.body.get("tunnel_secret")
    if secret is None:
        secret = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    tunnel = call.store.put_tunnel(
        Tunnel(
            id=str(uuid.uuid4()),
            account_id=account.id,
            name=checked_name(call.store, account.id, call.body.get("name")),
            secret=checked_secret(secret),
            config_src=source,
        )
    )
    credentials = {
        "AccountTag": account.id,
        "TunnelID": tunnel.id,
        "TunnelName": tunnel.name,
        "TunnelSecret": tunnel.secret,
    }
    result = {**shown(call, tunnel), "credentials_file": credentials, "token": token_of(tunnel)}
    return Reply(result=result)


def list_tunnels(call: Call) -> Reply:
    account = call.store.account(call.path["acc"])
    deleted = call.query.get("is_deleted", "false")
    if deleted not in ("true", "false"):
        raise UnknownInput(f"is_deleted is {deleted!r}; expected true or false")
    found = [
        shown(call, tunnel)
        for tunnel in call.store.tunnels.values()
        if tunnel.account_id == account.id
        and call.query.get("name", tunnel.name) == tunnel.name
        and call.query.get("uuid", tunnel.id) == tunnel.id
        and deleted == str(tunnel.deleted_at is not None).lower()
        and call.sees(tunnel.id)
    ]
    return paged(found, call.query, default=20, limit=1000)


def get(call: Call) -> Reply:
    return Reply(result=shown(call, call.tunnel(deleted=True)))


def patch(call: Call) -> Reply:
    tunnel = call.tunnel()
    if "name" in call.body:
        name = checked_name(call.store, tunnel.account_id, call.body["name"], tunnel.id)
        tunnel = replace(tunnel, name=name)
    if "tunnel_secret" in call.body:
        tunnel = replace(tunnel, secret=checked_secret(call.body["tunnel_secret"]))
    return Reply(result=shown(call, call.store.put_tunnel(tunnel)))


def delete(call: Call) -> Reply:
    tunnel = call.tunnel()
    if call.live.connections(tunnel.id):
        raise TunnelHasConnections
    return Reply(result=shown(call, call.store.put_tunnel(replace(tunnel, deleted_at=now()))))


def token(call: Call) -> Reply:
    return Reply(result=token_of(call.tunnel()))


def configuration_of(tunnel: Tunnel) -> Json:
    return {
        "tunnel_id": tunnel.id,
        "version": tunnel.configuration_version,
        "config": tunnel.configuration,
        "source": tunnel.configuration_source or tunnel.config_src,
        "created_at": tunnel.configured_at or tunnel.created_at,
    }


def get_configuration(call: Call) -> Reply:
    return Reply(result=configuration_of(call.tunnel()))


def put_configuration(call: Call) -> Reply:
    tunnel = call.tunnel()
    config = call.body.get("config")
    if not isinstance(config, dict):
        raise InvalidConfiguration("config must be an object")
    check_configuration(config)
    source = call.body.get("source", "cloudflare")
    if source not in ("local", "cloudflare"):
        raise InvalidConfiguration(f"source is {source!r}; expected local or cloudflare")
    changed = replace(
        tunnel,
        configuration=config,
        configuration_source=source,
        configuration_version=tunnel.configuration_version + 1,
        configured_at=now(),
    )
    call.store.put_tunnel(changed)
    call.live.push(changed.id)
    return Reply(result=configuration_of(changed))


def check_configuration(config: Json) -> None:
    """Refuse unknown fields and rules whose last one does not match every request."""
    refuse_unknown("field of config", config, CONFIG_FIELDS)
    rules = config.get("ingress") or []
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise InvalidConfiguration("ingress must be a list of rules")
    for rule in rules:
        refuse_unknown("field of an ingress rule", rule, RULE_FIELDS)
        if not rule.get("service"):
            raise InvalidConfiguration("every ingress rule needs a service")
    if rules and (rules[-1].get("hostname") not in (None, "", "*") or rules[-1].get("path")):
        raise InvalidConfiguration("the last ingress rule must match all hostnames and paths")


def get_connections(call: Call) -> Reply:
    clients: dict[str, Json] = {}
    for connection in call.live.connections(call.tunnel(deleted=True).id):
        client = clients.setdefault(
            connection["client_id"],
            {
                "id": connection["client_id"],
                "version": connection["client_version"],
                "arch": "linux_amd64",
                "config_version": 0,
                "features": [],
                "run_at": connection["opened_at"],
                "conns": [],
            },
        )
        client["conns"].append(connection)
    return Reply(result=list(clients.values()))


def delete_connections(call: Call) -> Reply:
    call.live.disconnect(call.tunnel(deleted=True).id, call.query.get("client_id"))
    return Reply(result={})


ALL = "/accounts/{acc}/cfd_tunnel"
ONE = ALL + "/{id}"
READ, EDIT = "tunnel:read", "tunnel:edit"

ROUTES = (
    Route(
        method="POST",
        template=ALL,
        handler=create,
        permission=EDIT,
        fields=frozenset({"name", "config_src", "tunnel_secret"}),
    ),
    Route(
        method="GET",
        template=ALL,
        handler=list_tunnels,
        permission=READ,
        query=PAGING | {"name", "uuid", "is_deleted"},
    ),
    Route(method="GET", template=ONE, handler=get, permission=READ),
    Route(
        method="PATCH",
        template=ONE,
        handler=patch,
        permission=EDIT,
        fields=frozenset({"name", "tunnel_secret"}),
    ),
    Route(method="DELETE", template=ONE, handler=delete, permission=EDIT),
    Route(method="GET", template=ONE + "/token", handler=token, permission=EDIT),
    Route(
        method="GET",
        template=ONE + "/configurations",
        handler=get_configuration,
        permission=READ,
    ),
    Route(
        method="PUT",
        template=ONE + "/configurations",
        handler=put_configuration,
        permission=EDIT,
        fields=frozenset({"config", "source"}),
    ),
    Route(method="GET", template=ONE + "/connections", handler=get_connections, permission=READ),
    Route(
        method="DELETE",
        template=ONE + "/connections",
        handler=delete_connections,
        permission=EDIT,
        query=frozenset({"client_id"}),
    ),
)
