"""Private keys as ssh-keygen and openssl write them, with a passphrase and without."""

import base64
import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
)

from settings import FindingsError, load_settings
from settings.reading.load import check_ssh_key
from settings.reading.ssh_key import find_problem, is_encrypted
from values.findings import Findings


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("passphrase", ["", "secret"])
def test_a_passphrase_of_ssh_keygen_is_seen(tmp_path: Path, kind: str, passphrase: str) -> None:
    key = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(key)]
    subprocess.run(command, check=True)

    assert is_encrypted(key.read_text()) is bool(passphrase)
    assert bool(find_problem(key.read_text())) is bool(passphrase)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_as_other_programs_write_it_is_taken(tmp_path: Path, kind: str) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", tmp_path / "key"], check=True)
    key = load_ssh_private_key((tmp_path / "key").read_bytes(), None)
    forms = [PrivateFormat.PKCS8]
    if kind != "ed25519":
        forms.append(PrivateFormat.TraditionalOpenSSL)

    for form in forms:
        text = key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
        assert find_problem(text) is None


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_passphrase_of_other_programs_is_seen(tmp_path: Path, form: PrivateFormat) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "key"], check=True
    )
    key = load_ssh_private_key((tmp_path / "key").read_bytes(), None)

    def written(encryption: KeySerializationEncryption) -> str:
        return key.private_bytes(Encoding.PEM, form, encryption).decode()

    assert is_encrypted(written(BestAvailableEncryption(b"secret")))
    assert not is_encrypted(written(NoEncryption()))
    assert find_problem(written(NoEncryption())) is None


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The texts of a private key and of its public one."""
    key = tmp_path_factory.mktemp("pair") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    return key.read_text(), key.with_suffix(".pub").read_text()


FROM_FILE = (
    "Set it from the file: pulumi config set --secret argoweb:sshPrivateKey < ~/.ssh/id_ed25519"
)
NEW = "Make one for this: ssh-keygen -t ed25519 -f argoweb-key; add argoweb-key.pub to the server."
KNOWN = (
    "ssh-rsa",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
)


def said_of(text: str) -> str:
    """What is said of a key, with what to do; empty where nothing is."""
    findings = Findings()
    check_ssh_key(text, findings)
    return "".join(each.message for each in findings.errors)


def test_a_key_is_taken_with_the_line_ends_of_windows_and_without_the_last_one(
    pair: tuple[str, str],
) -> None:
    assert find_problem(pair[0].rstrip("\n")) is None
    assert find_problem(pair[0].replace("\n", "\r\n")) is None


@pytest.mark.parametrize("mangled", [" ", "\\n", "", "?\n"])
def test_a_key_whose_lines_were_joined_or_changed_is_refused_and_not_shown(
    pair: tuple[str, str], mangled: str
) -> None:
    found = said_of(pair[0].replace("\n", mangled))

    assert found == (
        f"found a key with lines that are joined, changed or missing, expected all as in its file. {FROM_FILE}"
    )
    assert not [line for line in pair[0].splitlines()[1:-1] if line in found]


def test_a_key_that_was_cut_is_refused(pair: tuple[str, str]) -> None:
    begin, first, *others, end = pair[0].splitlines()

    for cut in ([begin, first, *others], [begin, first[:-1], *others, end], [begin, end]):
        assert "joined, changed or missing" in said_of("\n".join(cut))


@pytest.mark.parametrize(
    "text",
    ["~/.ssh/id_ed25519", "AAAAC3NzaC1lZDI1NTE5", "\n"],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    assert said_of(text) == (
        f"found no '-----BEGIN … PRIVATE KEY-----', expected the text of a private key. {FROM_FILE}"
    )


def test_a_key_of_puttys_is_refused_with_the_way_to_openssh() -> None:
    assert said_of("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n") == (
        "found a key in PuTTY's form, expected OpenSSH's. "
        f"Turn it into one: puttygen key.ppk -O private-openssh -o key. {FROM_FILE}"
    )


def _field(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + text


def written(kind: str) -> str:
    """A private key in OpenSSH's own form that says it is of a kind."""
    public = _field(kind.encode()) + _field(b"A" * 32)
    parts = (
        _field(b"none"),
        _field(b"none"),
        _field(b""),
        b"\0\0\0\1",
        _field(public),
        _field(b"B" * 64),
    )
    body = base64.b64encode(b"openssh-key-v1\0" + b"".join(parts)).decode()
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize("kind", KNOWN)
def test_a_key_of_a_kind_that_the_plugin_knows_is_taken(kind: str) -> None:
    assert find_problem(written(kind)) is None


@pytest.mark.parametrize("kind", ["sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "ssh-dss", "ssh-xmss@openssh.com"])  # fmt: skip
def test_a_key_of_a_kind_that_the_plugin_does_not_know_is_refused_with_what_to_do(
    kind: str,
) -> None:
    if kind.startswith("sk-"):
        expected = (
            f"found a key of the kind '{kind}', which lives in a security key that has to be touched. "
            "Use your SSH agent: ssh-add ~/.ssh/id_ed25519_sk, then pulumi config rm argoweb:sshPrivateKey. "
            "Or make one without: ssh-keygen -t ed25519"
        )
    else:
        expected = f"found a key of the kind '{kind}', expected one of {', '.join(KNOWN)}. {NEW}"

    assert said_of(written(kind)) == expected


def test_a_kind_of_other_characters_than_a_name_has_is_refused_and_can_be_shown() -> None:
    assert said_of(written("ssh-\xff")).startswith("found a key of the kind 'ssh-\ufffd\ufffd', ")


@pytest.mark.parametrize("label", ["RSA", "EC", "DSA"])
def test_a_key_of_the_older_form_is_taken_by_its_label(label: str) -> None:
    assert find_problem(written("").replace("OPENSSH", label)) is None


def test_a_key_that_is_none_of_sshs_is_refused() -> None:
    text = written("").replace("OPENSSH", "PGP")

    assert said_of(text) == f"found 'PGP PRIVATE KEY', expected an SSH private key. {NEW}"


def test_a_pkcs8_key_of_another_kind_is_refused() -> None:
    key = Ed448PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    assert said_of(text) == f"found a key that is neither RSA, ECDSA nor Ed25519. {NEW}"


def test_a_public_key_is_refused_and_not_shown(
    pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = {"argoweb:sshPrivateKey": pair[1], "cloudflare:apiToken": "T" * 40}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(stack))

    with pytest.raises(FindingsError) as refused:
        load_settings()

    (found,) = (text for text in refused.value.problems if "found a public key" in text)
    assert found == (
        "argoweb:sshPrivateKey: found a public key, expected the private one, in the file without '.pub'. "
        f"{FROM_FILE}"
    )
    assert pair[1].split()[1] not in str(refused.value)


def test_a_key_with_a_passphrase_is_refused_with_the_way_to_the_agent_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", key], check=True)
    stack = {"argoweb:sshPrivateKey": key.read_text(), "cloudflare:apiToken": "T" * 40}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(stack))

    with pytest.raises(FindingsError) as refused:
        load_settings()

    (found,) = (text for text in refused.value.problems if "found a key" in text)
    assert found == (
        "argoweb:sshPrivateKey: found a key with a passphrase, expected one without. "
        "Or use your SSH agent: ssh-add ~/.ssh/id_ed25519, then pulumi config rm argoweb:sshPrivateKey"
    )
