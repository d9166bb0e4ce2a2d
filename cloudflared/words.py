"""Keys in the words of other tools, and what they are called here.

From the documents of nginx, HAProxy, Traefik, Caddy, Envoy, Node, curl and Go's net/http, and from Cloudflare's dashboard,
API and Terraform provider. Written without hyphens, underscores and blanks, in lower case.
"""

from collections.abc import Mapping


def map_words(**spellings: str) -> Mapping[str, str]:
    """Gives the key for each of other tools' words, which stand in a text for each key; a key's hyphen is written `__`."""
    return {
        word: key.replace("__", "-") for key, words in spellings.items() for word in words.split()
    }


ORIGIN_REQUEST = map_words(
    noTLSVerify="insecure insecureskipverify insecuretls skipverify skiptlsverify skipsslverify tlsskipverify "
    "tlsinsecureskipverify tlsverify verify verifytls verifyssl sslverify proxysslverify rejectunauthorized "
    "ignorecertificateerrors allowselfsigned trustall notls verifypeer",
    originServerName="sni servername tlsservername tlssni sslname proxysslname proxysslservername originserver",
    httpHostHeader="host hostheader headerhost requesthost upstreamhost overridehost hostrewrite hostoverride "
    "hostheaderoverride passhostheader preservehost preservehostheader proxysetheader headers headerup headers.host",
    caPool="ca cafile cacert cacertificate cabundle rootca rootcas trustedca truststore tlstrustpool "
    "tlstrustedcacerts proxyssltrustedcertificate sslca",
    connectTimeout="timeout dialtimeout connectiontimeout proxyconnecttimeout timeoutconnect requesttimeout",
    tlsTimeout="handshaketimeout tlshandshaketimeout",
    tcpKeepAlive="keepaliveinterval tcpkeepalives",
    keepAliveTimeout="keepalive idletimeout idleconntimeout keepaliveidle",
    keepAliveConnections="keepalives maxidleconns maxidleconnsperhost poolsize maxconnections",
    http2Origin="http2 h2 h2c grpc enablehttp2 http2connection",
    disableChunkedEncoding="nochunkedencoding chunked chunkedencoding",
    noHappyEyeballs="happyeyeballs",
    bastionMode="bastion",
    proxyType="socks socks5",
    ipRules="iprule rules allowlist whitelist",
    matchSNItoHost="matchsni snitohost",
    access="auth authentication zerotrust jwt cloudflareaccess requiresauth protectwithaccess",
)
ACCESS = map_words(
    audTag="aud audience audiences audtags applicationaud",
    teamName="team teamdomain authdomain organization organisation",
    required="require requires enabled",
)
IP_RULE = map_words(prefix="cidr network ip address subnet", ports="port", allow="action permit")
RULE = map_words(
    hostname="host hosts hostnames domain domains fqdn name subdomain publichostname",
    service="url backend origin target upstream destination dest proxy proxypass to address server",
    path="prefix pathprefix pathregex pathregexp location uri route",
    originRequest="originconfig options settings",
)
FLAGS = map_words(
    loglevel="log level verbosity verbose debug logging",
    metrics="metricsaddr metricsaddress metricsport prometheus",
    protocol="transport tunneltransportprotocol",
    edge__ip__version="ipversion ipv6",
    originRequest="originrequests defaults origindefaults",
    warp__routing="warp privatenetworks",
    no__autoupdate="autoupdate autoupdates",
    ha__connections="connections",
    pidfile="pid",
)
FILE = {
    **FLAGS,
    **map_words(
        tunnel="tunnelid tunnelname tunneluuid uuid",
        credentials__file="credentials credfile credentialfile credentialsjson",
        ingress="ingresses rules routes sites services publichostnames",
    ),
}
