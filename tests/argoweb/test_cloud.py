"""What is at Cloudflare beside what the stack's state has: each fault is named by its code."""

from collections.abc import Callable
from typing import Any

import pytest

from argoweb.cloud import CloudSeen, look_at_cloudflare
from argoweb.stack import State
from existing import OwnState
from tests.argoweb.conftest import DEPLOYMENT, stack
from tests.existing.conftest import ACCOUNT, ZONE, Cloudflare
from values.findings import Finding

HOSTNAME = "www.example.com"
MARK = f"argoweb {DEPLOYMENT}"


class Deployed:
    """A stack whose `pulumi up` has made a tunnel and a record."""

    def __init__(self, cloudflare: Cloudflare) -> None:
        self.cloudflare = cloudflare
        self.tunnel = cloudflare.has_tunnel("web")
        target = f"{self.tunnel['id']}.cfargotunnel.com"
        cloudflare.has(HOSTNAME, "CNAME", target, proxied=True, comment=MARK)
        self.record = next(
            r for r in cloudflare.control("/dump")["records"] if r["name"] == HOSTNAME
        )

    def look(self, **more: Any) -> CloudSeen:
        """What the command line sees of it."""
        state = State(tunnel=self.tunnel, records={HOSTNAME: self.record}, manifests={})
        sites = [{"hostname": HOSTNAME, "root": "/srv/www"}]
        return look_at_cloudflare(stack(self.cloudflare, state=state, **{"sites": sites, **more}))

    def change(self, method: str, **body: Any) -> None:
        """Somebody's request about the record."""
        path = f"/zones/{ZONE}/dns_records/{self.record['id']}"
        self.cloudflare.api(method, path, body or None)

    def change_tunnel(self, method: str, **body: Any) -> None:
        """Somebody's request about the tunnel."""
        path = f"/accounts/{ACCOUNT}/cfd_tunnel/{self.tunnel['id']}"
        self.cloudflare.api(method, path, body or None)


@pytest.fixture
def deployed(cloudflare: Cloudflare) -> Deployed:
    return Deployed(cloudflare)


def codes(seen: CloudSeen) -> set[str]:
    return {line.code for line in seen.lines}


def _foreign(deployed: Deployed) -> None:
    deployed.change("DELETE")
    deployed.cloudflare.has(HOSTNAME, "A", "192.0.2.9", comment="by hand")


def _remote(deployed: Deployed) -> None:
    deployed.tunnel = deployed.cloudflare.has_tunnel("other", config_src="cloudflare")


def _gone(deployed: Deployed) -> None:
    deployed.tunnel = {**deployed.tunnel, "id": "00000000-0000-4000-8000-000000000000"}


FAULTS: dict[str, tuple[Callable[[Deployed], object], str]] = {
    "tunnel-deleted": (lambda it: it.change_tunnel("DELETE"), "was deleted at Cloudflare on 20"),
    "tunnel-missing": (_gone, "is gone at Cloudflare"),
    "tunnel-remote": (_remote, "is managed in Cloudflare's dashboard now"),
    "tunnel-renamed": (lambda it: it.change_tunnel("PATCH", name="mine"), "is called 'mine'"),
    "record-missing": (lambda it: it.change("DELETE"), "its record was removed"),
    "record-edited": (lambda it: it.change("PATCH", proxied=False), "proxied is false, was true"),
    "record-foreign": (_foreign, "A 192.0.2.9, with the comment 'by hand'"),
}  # fmt: skip


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_at_cloudflare_is_named(deployed: Deployed, code: str) -> None:
    cause, text = FAULTS[code]
    cause(deployed)

    found = [line for line in deployed.look().lines if line.code != "tunnel-down"]

    assert [line.code for line in found] == [code]
    assert text in found[0].text


def test_a_stack_as_it_was_made_has_nothing_to_say_but_that_nothing_is_connected(
    deployed: Deployed,
) -> None:
    seen = deployed.look()

    assert codes(seen) == {"tunnel-down"}
    assert (seen.tunnel_name, seen.tunnel_status) == ("web", "inactive")
    assert seen.records == {HOSTNAME: "ours"}


def test_a_record_of_which_the_state_has_nothing_is_told_by_its_mark(deployed: Deployed) -> None:
    deployed.cloudflare.has("new.example.com", "CNAME", "x.cfargotunnel.com", comment=MARK)
    sites = [
        {"hostname": name, "root": "/srv/www"}
        for name in (HOSTNAME, "new.example.com", "no.example.com")
    ]

    seen = deployed.look(sites=sites)

    assert seen.records == {
        HOSTNAME: "ours",
        "new.example.com": "edited",
        "no.example.com": "missing",
    }


def test_a_record_that_the_stack_file_does_not_name_any_more_is_left(deployed: Deployed) -> None:
    seen = deployed.look(sites=[{"hostname": "*.example.com", "root": "/srv/www", "dns": False}])

    assert codes(seen) == {"tunnel-down", "record-left"}


def test_a_stack_without_a_state_has_made_no_tunnel(cloudflare: Cloudflare) -> None:
    seen = look_at_cloudflare(stack(cloudflare))

    assert codes(seen) == {"tunnel-not-made", "record-missing"}


def test_an_api_that_refuses_is_told_for_each_zone_and_the_tunnel(deployed: Deployed) -> None:
    deployed.cloudflare.control(
        "/faults", {"method": "GET", "status": 403, "code": 10000, "times": 9}
    )

    seen = deployed.look()

    assert {(line.code, line.place) for line in seen.lines} == {
        ("cloudflare-unreadable", "tunnel"),
        ("cloudflare-unreadable", "example.com"),
    }
    assert "Cloudflare Tunnel · Edit" in str(seen.lines[0])


APPLICATIONS = f"/accounts/{ACCOUNT}/access/apps"
GUARDED: dict[str, Any] = {
    "access": {"team": "example", "groups": {"staff": {"emails": "ann@example.com"}}},
    "sites": [{"hostname": HOSTNAME, "root": "/srv/www", "access": "staff"}],
}


def guarded(deployed: Deployed, **changes: Any) -> list[Finding]:
    """What is said of a stack with an Access application, which has changed since as `changes` say."""
    application = deployed.cloudflare.api(
        "POST",
        APPLICATIONS,
        {
            "name": HOSTNAME,
            "type": "self_hosted",
            "destinations": [{"type": "public", "uri": HOSTNAME}],
            "policies": [],
            "session_duration": "24h",
        },
    )
    outputs = {
        **{key: application[key] for key in ("id", "aud", "name", "destinations")},
        "appLauncherVisible": True,
        "sessionDuration": "24h",
        **changes,
    }
    access = OwnState(applications={HOSTNAME: outputs})
    state = State(
        tunnel=deployed.tunnel, records={HOSTNAME: deployed.record}, manifests={}, access=access
    )
    seen = look_at_cloudflare(stack(deployed.cloudflare, state=state, **GUARDED))
    return [line for line in seen.lines if line.code != "tunnel-down"]


def test_an_access_application_as_the_state_has_it_is_not_told(deployed: Deployed) -> None:
    assert guarded(deployed) == []


def test_an_access_application_that_is_gone_is_told(deployed: Deployed) -> None:
    found = guarded(deployed, id="00000000-0000-4000-8000-000000000000")

    assert [(line.code, line.place) for line in found] == [("access-missing", HOSTNAME)]


def test_an_access_application_that_somebody_changed_is_told(deployed: Deployed) -> None:
    (line,) = guarded(deployed, sessionDuration="1h")

    assert (line.code, line.text) == (
        "access-edited",
        f"'{HOSTNAME}': its `session_duration` is \"24h\"",
    )


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ({"workers": ["www.example.com/*"]}, "the Worker 'worker' takes requests first"),
        ({"workers": ["https://*.example.com/api*"]}, "by its route *.example.com/api*"),
        ({"workers": ["*example.com/*"]}, "the Worker 'worker' takes requests first"),
        ({"load_balancers": ["www.example.com"]}, "a load balancer of that name"),
    ],
)
def test_what_takes_requests_before_the_record_is_told(
    deployed: Deployed, zone: dict[str, Any], text: str
) -> None:
    known = {"id": ZONE, "name": "example.com", "account_id": ACCOUNT, **zone}
    deployed.cloudflare.control("/seed", {"zones": [known]})

    (line,) = [line for line in deployed.look().lines if line.code != "tunnel-down"]

    assert line.code == "record-shadowed"
    assert text in line.text


def test_what_takes_other_requests_is_not_told(deployed: Deployed) -> None:
    zone = {
        "workers": ["www2.example.com/*", "example.com/*", "*.www.example.com/*"],
        "load_balancers": ["example.com"],
    }
    known = {"id": ZONE, "name": "example.com", "account_id": ACCOUNT, **zone}
    deployed.cloudflare.control("/seed", {"zones": [known]})

    assert codes(deployed.look()) == {"tunnel-down"}


def test_a_part_of_a_zone_that_others_serve_is_told(deployed: Deployed) -> None:
    deployed.cloudflare.has(HOSTNAME, "NS", "ns1.example.net")

    assert "record-shadowed" in codes(deployed.look())
