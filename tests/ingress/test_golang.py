"""Go's own languages as Go's own packages read them: each answer was recorded from them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cloudflared.go import durations, idna, urls
from cloudflared.go.decode import Decoder, Time
from cloudflared.go.regexp import Pattern, PatternError
from cloudflared.go.urls import UrlError
from cloudflared.go.yaml import Node, YamlError, compose
from cloudflared.keys import check_network
from tests.ingress.golang.answers import TEXTS, read
from values.findings import Findings

Answer = dict[str, Any]
REFUSED: Answer = {"refused": True}


def search(pattern: str) -> Answer:
    try:
        compiled = Pattern(pattern)
    except PatternError:
        return REFUSED
    return {"found": "".join(".x"[compiled.is_found_in(text)] for text in TEXTS)}


def take_apart(url: str) -> Answer:
    try:
        found = urls.parse(url)
    except UrlError:
        return REFUSED
    names = ("scheme", "host", "hostname", "port", "path", "query", "fragment")
    said = {name: getattr(found, name) for name in names}
    if found.user is not None:
        said["user"] = found.user
    whole = found.scheme and found.host and not found.path
    return said | ({"written": str(found)} if whole else {})


def measure(duration: str) -> Answer:
    length = durations.read_seconds(duration)
    return REFUSED if length is None else {"nanoseconds": int(length * 10**9)}


def look_up(hostname: str) -> Answer:
    name = idna.look_up_name(hostname)
    return REFUSED if name is None else {"name": name}


def split(address: str) -> Answer:
    found = urls.split_host_port(address)
    return REFUSED if found is None else dict(zip(("host", "port"), found, strict=True))


def check(network: str) -> Answer:
    return {} if check_network(network) is None else REFUSED


def compose_and_decode(document: str) -> Answer:
    try:
        root = compose(document.encode("utf-8", "surrogateescape"))
    except YamlError:
        return REFUSED
    if root is None:
        return {"tree": None}
    findings = Findings()
    try:
        value = Decoder(findings=findings).read_untyped(root, "")
    except YamlError:
        return {"tree": tree(root), "undecoded": True}
    decoded = {"undecoded": True} if findings.errors else {"value": typed(value)}
    return {"tree": tree(root), **decoded}


def tree(node: Node) -> list[object]:
    """A node as the recorded answers have it."""
    if node.kind == "alias":
        return [node.line, node.kind, node.text]
    if node.kind == "scalar":
        return [node.line, node.kind, node.text, node.quoted]
    return [node.line, node.kind, [tree(child) for child in node.children]]


def typed(value: object) -> object:
    """A value as the recorded answers have it, with its type."""
    match value:
        case dict():
            pairs = [[typed(key), typed(item)] for key, item in value.items()]
            return {"mapping": sorted(pairs, key=json.dumps)}
        case list():
            return {"list": [typed(item) for item in value]}
        case None | bool():
            return value
        case Time():
            return {"time": None}
        case float():
            return {"float": value}
        case int():
            return {"int": str(value)}
        case _:
            return {"text": value}


def comparable(said: object) -> Any:
    """Go's answer, or ours, without what may differ: why it refuses, how a number with a point is written, and the line of nothing."""
    match said:
        case {"float": number}:
            return repr(float(number))
        case [_, "scalar", "", False]:
            return "nothing"  # at the end of a file Go counts a line more
        case dict():
            flags = {"refused", "undecoded"}
            return {key: key in flags or comparable(item) for key, item in said.items()}
        case list():
            return [comparable(item) for item in said]
        case _:
            return said


@pytest.mark.parametrize(
    ("about", "ours"),
    [
        ("patterns", search),
        ("urls", take_apart),
        ("durations", measure),
        ("hostnames", look_up),
        ("ports", split),
        ("networks", check),
        ("yaml", compose_and_decode),
    ],
)
def test_each_text_is_read_as_go_reads_it(about: str, ours: Callable[[str], Answer]) -> None:
    answers = read(about)

    found = {text: comparable(ours(text)) for text in answers}
    assert found == {text: comparable(said) for text, said in answers.items()}


def test_why_a_pattern_is_refused_is_said_in_gos_words() -> None:
    for pattern, said in read("patterns").items():
        if "refused" in said:
            with pytest.raises(PatternError) as refused:
                Pattern(pattern)
            words = f"error parsing regexp: {refused.value}".rstrip("`")
            assert said["refused"].startswith(words), pattern
