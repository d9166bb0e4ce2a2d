"""What is known of a zone as a whole is said at preview."""

from typing import Any

import pulumi
import pytest

from existing import OwnState, look_up
from settings import tell
from settings.reading.build import build
from tests.existing.conftest import ACCOUNT, ZONE, Cloudflare

OF_THE_PLAN = (
    "In the free plan a zone takes 200, or 1,000 if it was made before 2024-09-01; "
    "Cloudflare refuses more with 81045."
)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What was said, by how loud it was."""
    said: dict[str, list[str]] = {"info": [], "warn": []}
    for level, texts in said.items():
        monkeypatch.setattr(pulumi.log, level, texts.append)
    return said


def looked_up(cloudflare: Cloudflare, *hostnames: str, by_id: bool = False, **more: Any) -> None:
    values: dict[str, Any] = {
        "accountId": ACCOUNT,
        "zones": [{"name": "example.com", **({"id": ZONE} if by_id else {})}],
        "servers": {"web1": {"address": "192.0.2.1", "insecureHostKey": True}},
        "sites": [{"hostname": name, "root": "/srv/www"} for name in hostnames],
        **more,
    }
    found = look_up(build(values, deployment="argoweb/prod"), cloudflare.access(), OwnState())
    tell(found.warnings, found.notices)


def many(count: int) -> list[str]:
    return [f"site-{number}.example.com" for number in range(count)]


def zone(cloudflare: Cloudflare, **more: Any) -> None:
    """Changes what the zone is."""
    seed = {"id": ZONE, "name": "example.com", "account_id": ACCOUNT, **more}
    cloudflare.control("/seed", {"zones": [seed]})


@pytest.mark.parametrize("by_id", [False, True])
def test_more_records_than_the_free_plan_has_are_noticed_before_they_are_refused(
    cloudflare: Cloudflare, said: dict[str, list[str]], by_id: bool
) -> None:
    cloudflare.has("mail.example.com", "A", "192.0.2.7")

    looked_up(cloudflare, *many(199), by_id=by_id)
    assert said["info"] == []
    looked_up(cloudflare, *many(200), by_id=by_id)

    assert said["info"] == [
        f"argoweb:zones[0]: 'example.com' has 201 records with those of this stack. {OF_THE_PLAN}"
    ]


def test_a_record_that_is_there_already_is_counted_once(
    cloudflare: Cloudflare, said: dict[str, list[str]]
) -> None:
    cloudflare.has(
        "site-0.example.com", "CNAME", "x.cfargotunnel.com", comment="argoweb argoweb/prod"
    )

    looked_up(cloudflare, *many(200))

    assert [text for text in said["info"] if "free plan" in text] == []


@pytest.mark.parametrize(
    ("of_the_zone", "count"),
    [({"plan": "pro"}, 1100), ({"created_on": "2023-01-01T00:00:00Z"}, 1000)],
    ids=["pro", "old"],
)
def test_other_plans_and_older_zones_have_more(
    cloudflare: Cloudflare, said: dict[str, list[str]], of_the_zone: dict[str, str], count: int
) -> None:
    zone(cloudflare, **of_the_zone)

    looked_up(cloudflare, *many(count))

    assert said["info"] == []


def test_an_older_zone_is_noticed_above_its_own_limit(
    cloudflare: Cloudflare, said: dict[str, list[str]]
) -> None:
    zone(cloudflare, created_on="2023-01-01T00:00:00Z")

    looked_up(cloudflare, *many(1001))

    assert ["has 1001 records with" in text for text in said["info"]] == [True]


def test_a_hostname_in_a_part_that_other_name_servers_have_is_warned_about(
    cloudflare: Cloudflare, said: dict[str, list[str]]
) -> None:
    cloudflare.has("sub.example.com", "NS", "ns1.example.net")
    cloudflare.has("sub.example.com", "NS", "ns2.example.net")
    cloudflare.has("example.com", "NS", "ns.example.net")

    looked_up(
        cloudflare, "www.sub.example.com", "sub.example.com", "www.example.com", "*.sub.example.com"
    )

    assert said["warn"] == [
        f"argoweb:zones[0]: '{hostname}' lies in 'sub.example.com', which an NS record gives to ns2.example.net: visitors "
        "ask that name server, and never see a record of this zone. Remove the NS record, or declare the zone that it "
        "leads to. [zone-delegated]"
        for hostname in ("www.sub.example.com", "sub.example.com", "*.sub.example.com")
    ]


def test_what_the_preview_warns_about_is_what_the_api_calls_shadowed(
    cloudflare: Cloudflare, said: dict[str, list[str]]
) -> None:
    cloudflare.has("sub.example.com", "NS", "ns1.example.net")
    hostnames = (
        "www.sub.example.com",
        "subway.example.com",
        "a.b.sub.example.com",
        "www.example.com",
    )
    for hostname in hostnames:
        cloudflare.has(hostname, "CNAME", "x.cfargotunnel.com", comment="argoweb argoweb/prod")

    looked_up(cloudflare, *hostnames)

    records = cloudflare.api("GET", f"/zones/{ZONE}/dns_records?include_shadow_metadata=true")
    shadowed = [record["name"] for record in records if "shadowed_by" in record["meta"]]
    assert shadowed == ["www.sub.example.com", "a.b.sub.example.com"]
    assert [text.split("'")[1] for text in said["warn"]] == shadowed


def test_an_accepted_warning_of_a_look_up_is_silent_and_said_in_one_line(
    cloudflare: Cloudflare, said: dict[str, list[str]]
) -> None:
    cloudflare.has("sub.example.com", "NS", "ns1.example.net")

    looked_up(cloudflare, "www.sub.example.com", accept=["zone-delegated"])

    assert said == {
        "info": ["Warnings that argoweb:accept silences: zone-delegated (1)."],
        "warn": [],
    }
