"""The shell programs that run on a server."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from components.remote_programs import PACKED_PROGRAM, PARTS, SERVER_PROGRAM, write_command

ROOT = Path(__file__).resolve().parents[2]
REMOTE = ROOT / "remote"
SOURCE = "\n".join((REMOTE / part).read_text() for part in PARTS)


CHECKED = {
    "server program": SOURCE,
    **{
        name: (ROOT / name).read_text()
        for name in ("ci/argoweb.sh", "edge/ask.sh", "sandbox/server/boot.sh")
    },
    **{
        str(script.relative_to(ROOT)): script.read_text()
        for folder in ("remote", "sandbox/server/bin", ".ci")
        for script in sorted((ROOT / folder).iterdir())
        if script.is_file()  # Python leaves a folder of its own beside programs that it was asked to import
        and script.name not in PARTS
        and not script.read_text().startswith("#!/opt/sandbox/bin/python3")
    },
}
"""Each shell program by its path; the parts of the server's program make sense together only."""


@pytest.mark.parametrize("script", CHECKED)
def test_a_shell_program_is_clean_for_shellcheck(script: str) -> None:
    shell = "sh" if script == "edge/ask.sh" else "bash"  # the first runs wherever Pulumi does

    result = subprocess.run(
        ["shellcheck", f"--shell={shell}", "-"],
        input=CHECKED[script],
        text=True,
        capture_output=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout


def test_shellcheck_leaves_no_shell_program_out() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.sh"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert listed
    assert {*listed} - {*CHECKED} == {f"remote/{part}" for part in PARTS}


def test_nothing_but_comments_is_left_out_of_the_server_program(tmp_path: Path) -> None:
    def as_bash_reads_it(text: str) -> str:
        file = tmp_path / "program"
        file.write_text(text)
        printed = ["bash", "--pretty-print", str(file)]
        return subprocess.run(printed, capture_output=True, text=True, check=True).stdout

    assert as_bash_reads_it(SERVER_PROGRAM) == as_bash_reads_it(f"{{\n{SOURCE}}}\n")
    assert len(SERVER_PROGRAM) < len(SOURCE)


def run(script: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", (REMOTE / script).read_text(), script, *words],
        input=stdin,
        text=True,
        capture_output=True,
        check=False,
    )


def put(*words: str, stdin: str) -> None:
    run("put.sh", *words, stdin=stdin).check_returncode()


def test_of_a_server_program_that_was_cut_off_anywhere_nothing_runs(tmp_path: Path) -> None:
    program = tmp_path / "server.sh"
    text = SERVER_PROGRAM.encode()
    whole = len(text) - 1  # the last line break may be missing
    between = text.index(b" && ", text.index(b"[[")) + len(
        b" && "
    )  # bash calls this error a success

    for length in [0, between, *range(1, whole, 997), *range(whole - 20, whole)]:
        program.write_bytes(text[:length])
        for verb in ("activate", "deactivate"):
            result = run("launch.sh", verb, str(program))

            assert result.returncode == 1, length
            assert result.stderr == "", length
            assert "was cut short. Raise argoweb:servers.<name>.redeploy" in result.stdout, length


def send(
    file: Path, packed: str, path: str = os.environ["PATH"]
) -> subprocess.CompletedProcess[str]:
    """Sends the server's program, as Pulumi does."""
    return subprocess.run(
        ["bash", "-c", write_command("put.sh", str(file), "0", sudo=False, unpack=True)],
        input=packed,
        text=True,
        capture_output=True,
        check=False,
        env={"PATH": path},
        timeout=30,
    )


def test_the_server_gets_the_program_that_was_packed(tmp_path: Path) -> None:
    send(tmp_path / "server.sh", PACKED_PROGRAM).check_returncode()

    assert (tmp_path / "server.sh").read_text() == SERVER_PROGRAM
    assert len(PACKED_PROGRAM) < 0.4 * len(SERVER_PROGRAM)


@pytest.mark.parametrize("cut", [0, 0.001, 0.5, 0.99])
def test_of_a_packed_program_that_was_cut_off_nothing_is_kept(tmp_path: Path, cut: float) -> None:
    file = tmp_path / "server.sh"
    file.write_text("the last one's\n")

    sent = send(file, PACKED_PROGRAM[: int(cut * len(PACKED_PROGRAM))])

    assert sent.returncode != 0
    assert file.read_text() == "the last one's\n"


def test_a_server_without_bzip2_says_so(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "base64", "cat", "mkdir", "mv", "rm", "date"):
        (programs / name).symlink_to(str(shutil.which(name)))

    sent = send(tmp_path / "server.sh", PACKED_PROGRAM, path=str(programs))

    assert sent.returncode != 0
    assert "bzip2: command not found" in sent.stderr
    assert not (tmp_path / "server.sh").exists()


def test_a_whole_server_program_is_started(tmp_path: Path) -> None:
    program = tmp_path / "server.sh"
    program.write_text("{\necho started\n" + SERVER_PROGRAM.splitlines()[-1])

    assert run("launch.sh", "activate", str(program)).stdout == "started\n"


def test_a_missing_server_program_fails_an_activation_and_leaves_a_teardown_nothing_to_do(
    tmp_path: Path,
) -> None:
    missing = str(tmp_path / "server.sh")

    activation, teardown = (run("launch.sh", verb, missing) for verb in ("activate", "deactivate"))

    assert activation.returncode == 1
    assert "Raise argoweb:servers.<name>.redeploy by one" in activation.stdout
    assert teardown.returncode == 0
    assert teardown.stdout.startswith(f"argoweb: {missing} is missing or was cut short. ")


def test_a_teardown_fails_whose_program_is_missing_while_its_deployment_is_live(
    tmp_path: Path,
) -> None:
    program = tmp_path / "staging/web1/server.sh"
    (tmp_path / "server.sh").symlink_to(program)

    live = run("launch.sh", "deactivate", str(program))
    other = run("launch.sh", "deactivate", str(tmp_path / "staging/web2/server.sh"))

    assert live.returncode == 1
    assert "Raise argoweb:servers.<name>.redeploy by one" in live.stdout
    assert other.returncode == 0


def test_what_pulumi_prints_of_a_failed_activation_is_one_line() -> None:
    assert "\n" not in write_command("launch.sh", "activate", "/program", sudo=True)


def test_a_transfer_that_broke_before_its_first_byte_replaces_nothing(tmp_path: Path) -> None:
    target = tmp_path / "file"
    put(str(target), stdin="old")

    result = run("put.sh", str(target), stdin="")

    assert result.returncode != 0
    assert target.read_text() == "old"


def test_a_staged_file_is_whole_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    target = tmp_path / "staging" / "a file"

    put(str(target), "0", stdin="text with 'quotes' and\nlines\n")

    assert target.read_text() == "text with 'quotes' and\nlines\n"
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["a file"]


def test_a_staged_file_goes_to_a_teardown_until_that_is_released(tmp_path: Path) -> None:
    for folder, teardown in (("ours", "first"), ("theirs", "another")):
        put(str(tmp_path / folder / "server.sh"), "0", teardown, stdin="x")
    ended = {folder: tmp_path / folder / "ended" for folder in ("ours", "theirs")}

    run("release.sh", str(tmp_path), "first", stdin="x" * 100_000).check_returncode()
    assert ended["ours"].exists()
    assert not ended["theirs"].exists()

    put(str(tmp_path / "ours/server.sh"), "0", "second", stdin="x")
    run("release.sh", str(tmp_path), "first", stdin="x").check_returncode()
    assert not ended["ours"].exists()


def test_of_what_is_sent_nothing_is_printed_but_when_a_file_came(tmp_path: Path) -> None:
    folder = tmp_path / "argoweb-prod-web1-root@192.0.2.1:22-0a1b2c3d"
    words = {
        "put.sh": [str(folder / "credentials"), "0", "first"],
        "release.sh": [str(tmp_path), "first"],
        "keep.sh": [str(folder)],
    }

    printed = {name: run(name, *its, stdin="hunter2\n") for name, its in words.items()}
    again = run("put.sh", *words["put.sh"], stdin="hunter2\n")

    assert [(it.stdout, it.stderr) for it in list(printed.values())[1:]] == [("", "")] * 2
    assert int(printed["put.sh"].stdout) < int(again.stdout)
    assert (printed["put.sh"].stderr, again.stderr) == ("", "")


def test_a_folder_that_goes_on_is_said_to_end_no_more(tmp_path: Path) -> None:
    ours, other = tmp_path / "ours-0a1b2c3d", tmp_path / "theirs-11111111"
    for folder in (ours, other):
        folder.mkdir()
        (folder / "ended").touch()

    run("keep.sh", str(ours), stdin="x").check_returncode()

    assert (list(ours.iterdir()), list(other.iterdir())) == ([], [other / "ended"])


def test_nothing_is_released_where_nothing_was_staged(tmp_path: Path) -> None:
    run("release.sh", str(tmp_path / "none"), "first", stdin="x").check_returncode()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "words", "in_the_way"),
    [
        ("put.sh", ["a/server.sh", "0", "first"], "a/teardown"),
        ("put.sh", ["a/server.sh", "0", "first"], "a/ended"),
        ("release.sh", [".", "first"], "a/ended"),
    ],
)
def test_what_cannot_be_noted_is_a_failure_whatever_comes_after_it(
    tmp_path: Path, program: str, words: list[str], in_the_way: str
) -> None:
    for folder in "ab":
        put(str(tmp_path / folder / "x"), "0", "first", stdin="x")
    (tmp_path / in_the_way).unlink(missing_ok=True)
    (tmp_path / in_the_way).mkdir()

    ran = run(program, str(tmp_path / words[0]), *words[1:], stdin="x")

    assert (ran.returncode, ran.stdout) == (1, "")


def test_a_teardown_whose_program_is_missing_asks_that_of_what_is_live(tmp_path: Path) -> None:
    program = tmp_path / "staging/web1/server.sh"
    program.parent.mkdir(parents=True)
    program.write_text('{\necho "$0 $1"\n' + SERVER_PROGRAM.splitlines()[-1])
    (tmp_path / "server.sh").symlink_to(program)
    missing = str(tmp_path / "staging/web2/server.sh")

    assert run("launch.sh", "deactivate", missing).stdout == f"{program} deactivate\n"
    assert run("launch.sh", "activate", missing).returncode == 1


MORE_THAN_A_PIPE_HOLDS = b"x" * 1_000_000


@pytest.mark.parametrize(
    "words",
    [
        ["put.sh", "PLACE/file", "0"],
        ["keep.sh", "PLACE/web1-made"],
        ["release.sh", "PLACE", "teardown"],
        ["launch.sh", "activate", "PLACE/web1/server.sh"],
        ["launch.sh", "deactivate", "PLACE/web1/server.sh"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("unpack", [False, True])
def test_what_is_sent_is_read_to_its_end_whatever_comes_of_it(
    tmp_path: Path, words: list[str], *, unpack: bool
) -> None:
    script, *given = (word.replace("PLACE", str(tmp_path)) for word in words)
    command = write_command(script, *given, sudo=False, unpack=unpack)

    with subprocess.Popen(
        ["sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(MORE_THAN_A_PIPE_HOLDS)  # a pipe that nobody reads any more breaks
        process.stdin.close()
        process.wait(timeout=60)
