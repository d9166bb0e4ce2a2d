"""The stack file: every key under `argoweb:` with its type, default and meaning."""

from cloudflared import SETTINGS
from settings.contract import CONFIG_FOLDER, DATA_FOLDER, PROXY_GROUP
from settings.keys import formats, words
from settings.keys.access import ACCESS
from settings.keys.alerts import ALERTS
from settings.keys.metrics import METRICS
from settings.keys.rollout import ROLLOUT
from settings.keys.server import SERVER
from settings.keys.site import SITE
from values.kinds import UUID, Choice, Flag, ListOf, MapOf, Text, Whole
from values.remedies import SetKey
from values.tables import Key, Table, require

_TWO_YEARS = 63_072_000
_EIGHT_HOURS = 28_800


WRITTEN, SORTED = "written", "sorted"
BY_CLOUDFLARED, BY_CADDY = "cloudflared", "caddy"

_TLS = Table(
    keys={
        "certificate": Key(formats.PATH, "Certificate file on the server."),
        "key": Key(formats.PATH, "Key file of the certificate, on the server."),
        "internal": Key(
            Flag(), "Instead of `certificate` and `key`: a certificate of Caddy's own CA.", False
        ),
        "caPool": Key(
            formats.PATH, "CA file, readable for the user argoWeb, by which cloudflared trusts it."
        ),
        "noTLSVerify": Key(Flag(), "Whether cloudflared accepts any certificate of Caddy.", False),
        "clientCa": Key(
            formats.PATH, "File on the server with the CA whose client certificates Caddy demands."
        ),
    },
    words=words.TLS,
)

_TUNNEL = Table(
    keys={
        "name": Key(
            formats.TUNNEL_NAME,
            "The tunnel's name, unique in the account. Without it PROJECT-STACK, or as it is for an imported one.",
        ),
        "secretVersion": Key(
            Whole(least=1), "Counts the tunnel's secrets: raise it by one for a new one.", 1
        ),
        "protect": Key(Flag(), "Whether Pulumi refuses to delete the tunnel.", False),
        "importId": Key(UUID, "UUID of a tunnel that is there already, to go on with it."),
    },
    words=words.TUNNEL,
)

_ZONE = Table(
    keys={
        "name": require(Text(), "The zone's name."),
        "id": Key(formats.HEX_ID, "The zone's id. Without it the zone is looked up by its name."),
    },
    words=words.ZONE,
)

_CADDY = Table(
    keys={
        "bind": Key(
            ListOf(item=formats.IP, single=True, least=1),
            "Addresses at which Caddy listens.",
            ["127.0.0.1", "::1"],
        ),
        "port": Key(formats.PORT, "The port at which Caddy listens for the sites.", 8080),
        "unit": Key(formats.UNIT, "Caddy's systemd unit.", "caddy"),
        "user": Key(formats.WORD, "User that Caddy runs as; default as in nixpkgs."),
        "group": Key(formats.WORD, "Group that the user argoWeb joins.", PROXY_GROUP),
        "manage": Key(
            Flag(), "Whether argoweb sets up Caddy; false for a Caddy unit of your own.", True
        ),
        "tls": Key(
            _TLS,
            "TLS 1.3 between cloudflared and Caddy; none for plain HTTP. Other sites of that Caddy then redirect from http themselves.",
        ),
        "globalOptions": Key(Text(lines=True), "Lines for Caddy's global options.", ""),
        "serverOptions": Key(
            Text(lines=True),
            "Lines for Caddy's `servers` option of the sites' own listeners, such as `timeouts`, `max_header_size` or `protocols`.",
            "",
        ),
        "siteOptions": Key(
            Text(lines=True),
            "Lines for all sites of Caddy, such as `log` or `encode gzip`: they stand in the block of each hostname.",
            "",
        ),
        "snippets": Key(
            MapOf(item=Text(lines=True), key=formats.SNIPPET),
            "Lines by name, which `import NAME` puts into `caddyfile` and `siteOptions`.",
            {},
        ),
        "hsts": Key(
            Whole(most=_TWO_YEARS),
            "How long browsers insist on https at every site of Caddy (Strict-Transport-Security); 0 for not at all.",
            0,
            "seconds",
        ),
        "streamCloseDelay": Key(
            Whole(most=_TWO_YEARS),
            "How long a WebSocket through `proxy` goes on after a reload of Caddy; 0 ends it at once. Other streams and downloads go on to their end.",
            _EIGHT_HOURS,
            "seconds",
        ),
    },
    words=words.CADDY,
)

_PACKAGE = Table(
    keys={
        "url": require(formats.GIT_URL, "Git mirror of cloudflared."),
        "rev": require(formats.REVISION, "Tag or commit to build."),
        "hash": require(formats.SRI_HASH, "Hash of the source."),
        "vendorHash": Key(
            formats.SRI_HASH, "Hash of the Go modules; none where the source vendors them."
        ),
        "version": require(formats.VERSION, "Version that the built program reports."),
    },
    words=words.PACKAGE,
)

_NIXOS = Table(
    keys={
        "allowUnfree": Key(
            Flag(),
            "Whether nixpkgs.config.allowUnfree is set; cloudflared in nixpkgs does not need it.",
            False,
        ),
        "instances": Key(
            Whole(least=1, most=2),
            "How many cloudflared a server runs. 2 restart in turn, so that a change drops no request; 1 saves 45 MB and costs a gap at each restart.",
            2,
        ),
        "configDir": Key(
            formats.FOLDER, "Folder on the servers with the pushed files.", CONFIG_FOLDER
        ),
        "dataDir": Key(
            formats.FOLDER,
            "Folder on the servers with the tunnel's credentials.",
            DATA_FOLDER,
        ),
    }
)

_HEALTH = Table(
    keys={
        "timeout": Key(
            Whole(least=5, most=3600), "How long a change may take to serve.", 60, "seconds"
        ),
        "urls": Key(
            ListOf(item=formats.HEALTH_URL),
            "URLs that must answer on the server: those of the stack's sites are asked of its Caddy, others as they are.",
            [],
        ),
        "edge": Key(
            Flag(),
            "Whether `pulumi up`, where it runs, asks each new or changed site through Cloudflare at the end, and fails if that gives an error page of Cloudflare's or nothing. It needs `sh` and `curl` there.",
            True,
        ),
    },
    words=words.HEALTH,
)

SITES_FILE = "sitesFile"

STACK = Table(
    joint=":",
    keys={
        "accountId": require(
            formats.HEX_ID,
            "The Cloudflare account: it stands in the URL of its dashboard.",
            (
                "Set it with: ",
                SetKey("argoweb:accountId", "<32 hex digits from the dashboard's URL>"),
            ),
        ),
        "tunnel": Key(
            _TUNNEL,
            "The tunnel at Cloudflare: its name, its secret, and one that is there already.",
            {},
        ),
        "cloudflared": Key(
            SETTINGS, "Keys of cloudflared's own configuration file, for every server.", {}
        ),
        "zones": require(
            ListOf(item=_ZONE, least=1),
            "The DNS zones in which the hostnames lie.",
            ("Set the first with: ", SetKey("argoweb:zones[0].name", "example.com")),
        ),
        "servers": require(
            MapOf(item=SERVER, key=formats.SERVER_NAME),
            "The NixOS servers that run the tunnel, each by a name of your choice.",
            ("Set the first with: ", SetKey("argoweb:servers.web1.address", "192.0.2.10")),
        ),
        "sites": require(
            ListOf(item=SITE),
            "What answers at each hostname, in the order in which they are tried.",
            ("Set the first with: ", SetKey("argoweb:sites[0].hostname", "www.example.com")),
        ),
        SITES_FILE: Key(
            Text(expected="the path of a file such as sites.yaml"),
            "A file with a list of more sites, which follow those of `sites`, for more than Pulumi takes in a stack file (some 1,500): YAML or JSON, by its path from the project's folder.",
        ),
        "access": Key(ACCESS, "Cloudflare Access: who may come in. See docs/access.md."),
        "siteOrder": Key(
            Choice((WRITTEN, SORTED)),
            "The order in which they are tried: as `written`, or `sorted`, exact hostnames before wildcards, a path before one that takes more, and else the longer one.",
            WRITTEN,
        ),
        "routing": Key(
            Choice((BY_CLOUDFLARED, BY_CADDY)),
            "Who chooses among Caddy's sites: `cloudflared`, which has a rule for each and answers 404 for the rest, or `caddy`, which gets the rest by one rule, so that no change of its sites restarts cloudflared.",
            BY_CLOUDFLARED,
        ),
        "caddy": Key(_CADDY, "The web server behind the tunnel.", {}),
        "package": Key(_PACKAGE, "A cloudflared of your own; none for the one of nixpkgs."),
        "nixos": Key(
            _NIXOS, "Where things are on the servers, and how many cloudflared run there.", {}
        ),
        "health": Key(_HEALTH, "What must answer before a change stays.", {}),
        "alerts": Key(
            ALERTS,
            "Whom Cloudflare tells when the health of this tunnel changes; none for nobody. The token needs the permission Account · Notifications · Edit.",
        ),
        "metrics": Key(
            METRICS,
            "Numbers of cloudflared and Caddy for a Prometheus, and for the page; see docs/monitoring.",
        ),
        "rollout": Key(ROLLOUT, "In which batches several servers take a change.", {}),
        "accept": Key(
            ListOf(item=Text(expected="the code of a warning")),
            "Codes of warnings that are known and stay silent, of a preview and of an update, as path-unanchored; docs/findings.md has them all.",
            [],
        ),
    },
    words=words.STACK,
)
"""The keys but those of `SECRETS`, which are never part of a checked value."""

SECRETS = {
    "sshPrivateKey": "SSH private key without a passphrase; without it the SSH agent is used.",
    "tunnelSecret": "Credentials file of the tunnel of `importId`, or the `TunnelSecret` in it.",
}
"""The keys that `pulumi config set --secret` sets."""
