"""The same answers as the real cloudflared, on files that nobody wrote: it is the judge, so it has to be here."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importing.file import read
from ingress.__main__ import main
from tests.ingress.corpus import documents
from tests.ingress.judge import Judge, required

EXAMPLES = 120
"""Files a test; each takes cloudflared about a tenth of a second."""
BOUNDS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
END = "  - service: http_status:404\n"
WORDS = {
    path.stem: [str(case["value"]) for case in document["cases"]]
    for path, document in documents()
    if "template" in document
}
WHOLE = [
    str(case["config"])
    for path, document in documents()
    for case in document["cases"]
    if path.stem in ("whole", "order") and case["says"] == "OK"
]
URLS = [
    str(url)
    for _, document in documents()
    for urls in (document.get("urls", []), *(case.get("urls", []) for case in document["cases"]))
    for url in urls
]


@pytest.fixture
def judge() -> Judge:
    return required("agreement with the real cloudflared on generated files")


def mostly(usual: list[str], table: str) -> st.SearchStrategy[str]:
    """A usual word more often than one of the corpus, or any text at all."""
    return st.one_of(
        st.sampled_from(usual),
        st.sampled_from(usual),
        st.sampled_from(WORDS[table]),
        st.text(max_size=12).map(json.dumps),
    )


PATTERNS = st.lists(
    st.sampled_from([*"ab/^$.*+?|()[]{}\\-,1i:=<P!s", "(?:", "[^/]", "\\d", "{2}", "\\p{L}"]),
    min_size=1,
    max_size=6,
).map(lambda parts: json.dumps("".join(parts)))


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file with one or two odd things in it, at most."""
    lines = [draw(mostly(["loglevel: info", "retries: 5", "tag: [a=b]"], "flags"))]
    rules = []
    for _ in range(draw(st.integers(1, 3))):
        hostname = draw(mostly(["a.example.com", '"*.example.com"', "b.example"], "hostnames"))
        service = draw(mostly(["http://localhost:80", "unix:/x", "ssh://h"], "services"))
        rule = [f"hostname: {hostname}", f"service: {service}"]
        if draw(st.booleans()):
            rule.append(f"path: {draw(mostly(['^/api', '/x$'], 'paths') | PATTERNS)}")
        if draw(st.booleans()):
            line = draw(mostly(["noTLSVerify: true", "connectTimeout: 5s"], "origin_request"))
            rule.append(f"originRequest:\n      {line}")
        rules.append("  - " + "\n    ".join(rule))
    return "\n".join([*lines, "ingress:", *rules, END])


@st.composite
def mutilated(draw: st.DrawFn) -> str:
    """A complete file, in which a few characters were changed."""
    text = draw(st.sampled_from(WHOLE))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 2))
        inserted = draw(
            st.sampled_from([*" :-,{}[]\"'#&*!|>\n\t%@?~.\\=<01ay", "  ", ": ", "- ", ""])
        )
        text = text[:at] + inserted + text[at + cut :]
    return text


def agrees(judge: Judge, config: str) -> None:
    says = judge.validate(config)
    refused = [str(problem) for problem in read(config.encode()).refused]
    assert (not refused) == (says == "OK"), (says, refused)


@given(config=files())
@BOUNDS
def test_a_generated_file_is_refused_when_and_only_when_cloudflared_refuses_it(
    judge: Judge, config: str
) -> None:
    agrees(judge, config)


@given(config=mutilated())
@BOUNDS
def test_a_mutilated_file_is_refused_when_and_only_when_cloudflared_refuses_it(
    judge: Judge, config: str
) -> None:
    agrees(judge, config)


@given(config=files(), url=st.sampled_from(URLS))
@BOUNDS
def test_the_rule_of_a_request_is_printed_as_cloudflared_prints_it(
    judge: Judge, config: str, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.yml"
    file.write_bytes(config.encode())

    status = main(["rule", str(file), url])

    printed = capsys.readouterr().out.partition("\n")[2]
    assert (printed if status == 0 else None) == judge.rule(config, url)
