"""Private keys as ssh-keygen and openssl write them, with a passphrase and without."""

import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
)

from settings import SettingsError, load
from settings.ssh_key import encrypted


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("passphrase", ["", "secret"])
def test_a_passphrase_of_ssh_keygen_is_seen(tmp_path: Path, kind: str, passphrase: str) -> None:
    key = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(key)]
    subprocess.run(command, check=True)

    assert encrypted(key.read_text()) is bool(passphrase)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_passphrase_of_other_programs_is_seen(tmp_path: Path, form: PrivateFormat) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "key"], check=True
    )
    key = load_ssh_private_key((tmp_path / "key").read_bytes(), None)

    def written(encryption: KeySerializationEncryption) -> str:
        return key.private_bytes(Encoding.PEM, form, encryption).decode()

    assert encrypted(written(BestAvailableEncryption(b"secret")))
    assert not encrypted(written(NoEncryption()))


def test_what_is_no_key_is_left_to_others() -> None:
    assert not encrypted("")
    assert not encrypted("no key at all")


def test_a_key_with_a_passphrase_is_refused_with_the_way_to_the_agent_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", key], check=True)
    stack = {"argoweb:sshPrivateKey": key.read_text(), "cloudflare:apiToken": "T" * 40}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(stack))

    with pytest.raises(SettingsError) as refused:
        load()

    (problem,) = (text for text in refused.value.problems if "sshPrivateKey" in text)
    assert problem.startswith("argoweb:sshPrivateKey: found a key with a passphrase, expected one ")
    assert "ssh-add" in problem
