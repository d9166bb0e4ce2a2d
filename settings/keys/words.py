"""Keys of the stack file in the words of other tools, as `cloudflared/words.py` writes them."""

from cloudflared.words import map_words

STACK = map_words(
    accountId="account accounttag cloudflareaccountid",
    zones="zone domains domain",
    servers="server host hosts machines nodes",
    sites="site ingress rules routes services vhosts virtualhosts",
    access="zerotrust cloudflareaccess auth authentication",
    alerts="alert notifications notification alerting",
    metrics="prometheus monitoring",
)
SITE = map_words(
    hostname="hostnames host hosts domain domains fqdn name servername serveraliases aliases",
    path="prefix pathprefix pathregexp location uri route",
    root="documentroot docroot webroot fileserver files folder directory dir static publicdir",
    proxy="upstream upstreams reverseproxy proxypass proxyto backend backends to",
    redirect="redir redirectto return rewrite",
    redirectStatus="status code permanent redirectcode",
    caddyfile="caddy lines directives extraconfig caddyconfig config",
    service="url origin target",
    originRequest="originconfig options settings",
    dns="record proxied cname",
    access="auth authentication login protect protected zerotrust",
)
DNS = map_words(
    adopt="overwrite allowoverwrite takeover force", comment="description", tags="labels"
)
SERVER = map_words(
    address="host hostname ip addr targethost",
    user="username login sshuser targetuser remoteuser",
    port="sshport",
    hostKey="sshhostkey knownhosts publickey fingerprint hostkeys",
    insecureHostKey="stricthostkeychecking insecure",
)
"""Keys of a server, which a bastion has too."""
OWN_METRICS = map_words(metricsAddress="metrics prometheus monitoring")
JUMP = map_words(bastion="jumphost proxyjump jump gateway")
ZONE = map_words(name="zone domain zonename", id="zoneid")
TUNNEL = map_words(importId="id uuid tunnelid import", name="tunnelname", protect="preventdestroy")
TLS = map_words(
    certificate="cert crt certfile certificatefile fullchain",
    key="keyfile privatekey certkey",
    clientCa="mtls clientauth trustedca",
)
CADDY = map_words(
    bind="listen address listenaddress host",
    port="httpport listenport",
    unit="service servicename systemdunit",
    globalOptions="globalconfig global",
    siteOptions="extraconfig siteconfig",
    tls="https ssl",
)
PACKAGE = map_words(
    url="src repo repository git",
    rev="ref tag commit revision branch",
    hash="sha256 srchash narhash",
    vendorHash="vendorsha256",
)
ROLLOUT = map_words(
    batch="batchsize size parallel parallelism maxparallel",
    canary="canaries first",
    pause="delay wait stagger",
    maxFailed="maxfailures failures maxfailpercentage",
)
METRICS = map_words(sites="perhost hosts count", address="listen bind prometheus")
ALERTS = map_words(
    email="emails mail to recipients",
    webhooks="webhook url",
    pagerduty="pagerdutyids",
    when="status statuses newstatus states",
)
HEALTH = map_words(
    urls="url checks endpoints", timeout="wait seconds", edge="edgecheck public reachable"
)
ACCESS = map_words(
    team="organization organisation teamname authdomain teamdomain",
    groups="group allow policy rules",
    policies="policyids",
    application="app appid applicationid",
    session="sessionduration ttl",
    denyText="customdenymessage denymessage",
    denyUrl="customdenyurl denyredirect",
    sameSite="samesitecookieattribute cookie",
    loginMethods="allowedidps idps idp identityproviders",
    cors="corsheaders preflight optionspreflightbypass",
    serviceTokens="tokens servicetoken token",
    default="defaults",
    **{"except": "bypass open exclude public paths"},
)
GROUP = map_words(
    emails="email addresses users",
    emailDomains="emaildomain domain domains",
    ips="ip iprange ipranges networks",
    countries="country geo",
    loginMethods="loginmethod idp idps",
    externalGroups="group groups accessgroups",
    serviceTokens="servicetoken tokens token",
    anyServiceToken="anyvalidservicetoken",
    everyone="everybody all anyone",
    require="requires required",
    exclude="excludes deny",
)
CORS = map_words(
    origins="allowedorigins origin",
    methods="allowedmethods",
    headers="allowedheaders",
    credentials="allowcredentials",
)
