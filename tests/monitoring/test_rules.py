"""The alert rules and the dashboard, held to what a sandbox has shown in good and bad times, by Prometheus's own tool."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "monitoring"
RECORDED: dict[str, Any] = json.loads((HERE / "recorded.json").read_text())
CONDITIONS: list[str] = RECORDED["conditions"]
INSTANCE = "10.0.0.5:9180"
RULES = {
    rule["alert"]: rule
    for group in yaml.safe_load((DOCS / "rules.yml").read_text())["groups"]
    for rule in group["rules"]
}


def promtool(*words: str | Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip(
            "wants promtool, so this was NOT CHECKED: the rules (Debian package prometheus)"
        )
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def labelled(series: str, **labels: str) -> str:
    """A series with what Prometheus adds to it."""
    name, _, rest = series.partition("{")
    added = [f'{key}="{value}"' for key, value in labels.items()]
    return f"{name}{{{','.join([*filter(None, [rest.removesuffix('}')]), *added])}}}"


def input_series() -> list[dict[str, str]]:
    """The recorded series, a minute apart; `up` is what a Prometheus makes of each scrape."""
    found = []
    for job, series in RECORDED["series"].items():
        labels = {"job": "argoweb", "instance": INSTANCE, "unit": job}
        answered = [
            any(values[minute] is not None for values in series.values())
            for minute in range(len(CONDITIONS))
        ]
        rows = {"up": [float(each) for each in answered], **series}
        for name, values in rows.items():
            text = " ".join("_" if value is None else f"{value:g}" for value in values)
            found.append({"series": labelled(name, **labels), "values": text})
    return found


def last(condition: str) -> int:
    """The last minute of a condition's first time."""
    first = CONDITIONS.index(condition)
    return (
        first
        + next(
            (number for number, each in enumerate(CONDITIONS[first:]) if each != condition),
            len(CONDITIONS) - first,
        )
        - 1
    )


FIRING = {
    "application down": {("ArgowebSiteErrors", "app.example.localhost")},
    "one data centre gone": {("ArgowebFewConnections", "argoWeb"), ("ArgowebFewConnections", "argoWeb-2")},
    "edge gone": {("ArgowebTunnelDown", "")},
    "one cloudflared stopped": {("ArgowebNoMetrics", "argoWeb-2")},
    "good": set(),
}  # fmt: skip
ALSO: dict[str, set[str]] = {
    # A service that cloudflared itself does not reach is one of the example's.
    "edge gone": {"ArgowebServiceUnreachable"},
    "one cloudflared stopped": {"ArgowebServiceUnreachable"},
}
"""What may fire too, as an echo of the condition before."""


@pytest.mark.parametrize("condition", FIRING)
def test_each_condition_fires_what_tells_of_it_and_nothing_else(
    condition: str, tmp_path: Path
) -> None:
    expected: dict[str, list[str]] = {}
    for name, of in FIRING[condition]:
        expected.setdefault(name, []).append(of)
    tests = []
    for name, rule in RULES.items():
        if name in ALSO.get(condition, ()):
            continue
        wanted = []
        for of in expected.get(name, []):
            labels = {"instance": INSTANCE, **rule["labels"]}
            if name == "ArgowebSiteErrors":
                labels["host"] = of
            elif of:
                labels |= {"unit": of, "job": "argoweb"}
            wanted.append({"exp_labels": labels})
        tests.append({"eval_time": f"{last(condition)}m", "alertname": name, "exp_alerts": wanted})
    rules = tmp_path / "rules.yml"  # without their words, which are not compared
    bare = [{key: each[key] for key in each if key != "annotations"} for each in RULES.values()]
    rules.write_text(yaml.safe_dump({"groups": [{"name": "argoweb", "rules": bare}]}))
    file = tmp_path / "test.yml"
    file.write_text(
        yaml.safe_dump(
            {
                "rule_files": [str(rules)],
                "evaluation_interval": "1m",
                "tests": [
                    {"interval": "1m", "input_series": input_series(), "alert_rule_test": tests}
                ],
            }
        )
    )

    promtool("test", "rules", file)


def test_the_rules_and_the_scrape_configuration_are_prometheuss(tmp_path: Path) -> None:
    promtool("check", "rules", DOCS / "rules.yml")
    promtool("check", "config", DOCS / "prometheus.yml")


def expressions() -> list[str]:
    dashboard = json.loads((DOCS / "dashboard.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def test_the_dashboards_expressions_are_prometheuss(tmp_path: Path) -> None:
    written = [
        each.replace("$__rate_interval", "5m").replace("$instance", ".*") for each in expressions()
    ]
    rules = [{"record": f"panel:{n}", "expr": text} for n, text in enumerate(written)]
    file = tmp_path / "dashboard.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

    promtool("check", "rules", file)


def test_every_metric_that_is_named_was_seen() -> None:
    seen = {name.partition("{")[0] for series in RECORDED["series"].values() for name in series}
    texts = [*expressions(), *(str(rule["expr"]) for rule in RULES.values())]
    named = {name for text in texts for name in re.findall(r"\b(?:caddy|cloudflared)_\w+", text)}

    assert named
    assert named - seen == set()


def test_it_was_recorded_with_the_real_cloudflared() -> None:
    assert RECORDED["cloudflared"].startswith("real")
