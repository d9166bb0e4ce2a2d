"""What the imitation does otherwise than the real cloudflared, and why that is let be.

`python -m tests.contract.differences` prints the table for docs/sandbox.md.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One of them; a test of that name asserts both sides."""

    test: str
    what: str
    real: str
    imitated: str


DIFFERENCES = (
    Difference(
        test="test_an_answer_that_is_shorter_than_it_said",
        what="an answer that is shorter than it said",
        real="502",
        imitated="what there is of it",
    ),
    Difference(
        test="test_the_page_of_hello_world",
        what="the page of `hello_world`",
        real="Cloudflare's",
        imitated="one line",
    ),
    Difference(
        test="test_an_upload_of_no_chunks",
        what="`GET`, `DELETE` and the like with an upload of no chunks",
        real="no body is announced",
        imitated="`Transfer-Encoding: chunked`",
    ),
    Difference(
        test="test_a_tag",
        what="the key `tag`",
        real="a header `Cf-Warp-Tag-…` for each",
        imitated="ignored",
    ),
    Difference(
        test="test_a_regular_expression",
        what="regular expressions of `path`",
        real="Go's",
        imitated="Python's: `\\pL` is refused",
    ),
    Difference(
        test="test_the_numbers_of_its_metrics",
        what="`/metrics`",
        real="dozens of numbers",
        imitated="three",
    ),
    Difference(
        test="test_an_address_to_bind_to",
        what="`edge-bind-address` that is not the server's",
        real="ends with exit code 1",
        imitated="ignored",
    ),
)


def table() -> str:
    """The table as docs/sandbox.md has it."""
    rows = [f"| {item.what} | {item.real} | {item.imitated} |" for item in DIFFERENCES]
    return "\n".join(["| | the real cloudflared | the imitation |", "|---|---|---|", *rows])


if __name__ == "__main__":
    print(table())
