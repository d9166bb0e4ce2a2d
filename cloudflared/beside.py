"""Warns of keys beside the rules with which cloudflared hardly does what is meant."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from cloudflared.flags import DEFAULTS
from cloudflared.go import durations
from cloudflared.warnings import ABSOLUTE, BASTION, check_origin_values
from values.findings import DOUBTFUL_VALUE, NO_EFFECT, Findings, make_doubt, make_warning

ACCESS_FOR_ALL = make_doubt(
    "access-for-all", "Access in the `originRequest` of all is ignored, so nothing is checked."
)
QUIC_ONLY = make_warning("quic-only", "cloudflared has no other protocol where UDP is blocked.")
REGION = make_warning("unknown-region", "The region is none that Cloudflare is known to have.")
METRICS_OPEN = make_warning(
    "metrics-open", "Everybody who reaches the server can read cloudflared's metrics."
)
_FILES = (
    "cacert", "logfile", "log-directory", "pidfile", "trace-output", "origincert", "token-file",
)  # fmt: skip
_REGIONS = ("us", "fed")
"""Put before the name of the edge's service (cloudflared's `edgediscovery/allregions/regions.go`)."""
_HOST, _PORT = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]"), re.compile(r"[0-9]{1,5}")


def check_settings(values: Mapping[str, Any], where: str, findings: Findings) -> None:
    """Checks the keys beside the rules for values with which cloudflared does not do what is meant."""
    if "metrics" in values:
        _check_metrics(str(values["metrics"]), f"{where}metrics", findings)
    if values.get("protocol") == "quic":
        findings.add(
            QUIC_ONLY,
            f"{where}protocol",
            "'quic' never falls back to http2 where UDP is blocked; 'auto' does.",
        )
    if "region" in values and values["region"] not in _REGIONS:
        region = values["region"]
        findings.add(
            REGION,
            f"{where}region",
            f"cloudflared connects to what it finds as {region}-v2-origintunneld, and none but {' and '.join(_REGIONS)} are known.",
        )
    for key in _FILES:
        if key in values and not str(values[key]).startswith("/"):
            findings.add_mismatch(f"{where}{key}", values[key], ABSOLUTE, DOUBTFUL_VALUE)
    if "edge-bind-address" in values and "edge-ip-version" in values:
        _check_edge_address(values, where, findings)
    for key, default in DEFAULTS.items():
        if key in values and _is_nought(values[key]):
            findings.add(
                NO_EFFECT,
                f"{where}{key}",
                f"has no effect: for cloudflared, 0 and false in the file are no value, so it keeps {default}.",
            )
    common = values.get("originRequest") or {}
    check_origin_values(common, f"{where}originRequest", findings)
    if "access" in common:
        findings.add(
            ACCESS_FOR_ALL,
            f"{where}originRequest.access",
            "cloudflared ignores it here, so nothing would be checked.",
            "Write it in the originRequest of what it shall guard.",
        )
    if common.get("ipRules"):
        findings.add(
            NO_EFFECT,
            f"{where}originRequest.ipRules",
            "has no effect here; write it at a rule for socks-proxy.",
        )
    if common.get("bastionMode"):
        findings.add(
            BASTION,
            f"{where}originRequest.bastionMode",
            "turns every URL service into a bastion.",
        )


def _check_edge_address(values: Mapping[str, Any], where: str, findings: Findings) -> None:
    """Warns of an IP version that the address overrides (`adjustIPVersionByBindAddress` in cloudflared's `tunnel/configuration.go`)."""
    address, version = str(values["edge-bind-address"]), str(values["edge-ip-version"])
    try:
        own = ipaddress.ip_address(address).version
    except ValueError:
        return  # found wrong by its shape
    if version in ("4", "6") and own != int(version):
        findings.add(
            NO_EFFECT,
            f"{where}edge-ip-version",
            f"'{version}' has no effect: cloudflared takes IPv{own}, as edge-bind-address '{address}' is.",
        )


def _check_metrics(address: str, where: str, findings: Findings) -> None:
    host, _, port = address.rpartition(":")
    if not _HOST.fullmatch(host) or not _PORT.fullmatch(port) or not 1 <= int(port) <= 65535:
        expected = "an address and port such as '127.0.0.1:20241'"
        findings.add_mismatch(where, address, expected, DOUBTFUL_VALUE)
    elif not _is_only_this_machine(host):
        text = "everybody who reaches the server can read it; use 127.0.0.1."
        findings.add(METRICS_OPEN, where, text)


def _is_only_this_machine(host: str) -> bool:
    """Whether a host is this machine alone, or a name, which may be any address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return True


def _is_nought(value: object) -> bool:
    if isinstance(value, str):
        length = durations.read_seconds(value)
        return length is not None and length <= 0
    return isinstance(value, (bool, int)) and value <= 0
