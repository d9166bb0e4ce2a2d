"""Names the hop of a request that has failed, by the error that a visitor gets in the place of the site."""

HOPS = {
    1000: "the record: it leads to a forbidden address",
    1001: "the record: there is none for this name",
    1014: "the record: its tunnel is one of another account",
    1016: "the record: it leads to a name that does not exist",
    1033: "the tunnel: no cloudflared is connected to it",
    1043: "the account: it refuses hostnames that have no Access application (docs/access.md)",
    502: "the server: cloudflared does not reach the service, or the service answers so",
    504: "the service: it does not answer in time",
    520: "the server: its answer is none",
    521: "the record: it leads to a server and not to the tunnel",
    522: "the record: it leads to a server and not to the tunnel",
    523: "the record: it leads to a server and not to the tunnel",
    525: "TLS between Cloudflare and a server: the record does not lead to the tunnel",
    526: "TLS between Cloudflare and a server: the record does not lead to the tunnel",
    530: "the tunnel, or the record",
}
"""By Cloudflare's code in its error page, or by the status.

Source: https://developers.cloudflare.com/support/troubleshooting/http-status-codes/
"""
