"""Tells whether an SSH private key can be used as it is."""

import base64
import re

from values.remedies import Remedy, RemoveKey, SetKey

_OPENSSH = b"openssh-key-v1\0"
_PLAIN = b"\0\0\0\x04none"
"""The name of the cipher, with its length, that follows it when there is none (PROTOCOL.key of OpenSSH)."""
_PEM = re.compile(
    r"^-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----\s*\n(?:[\w-]+: .*\n)*([A-Za-z0-9+/=\s]+)^-----END \1-----\s*$",
    re.MULTILINE,
)
"""What Go's `pem.Decode` finds a key in, as the plugin does; the headers are those of the older form."""
_PUBLIC = re.compile(r"(?:sk-)?(?:ssh|ecdsa)-\S+ AAAA|-----BEGIN (?:[A-Z0-9]+ )?PUBLIC KEY-----")
_PUTTY = "PuTTY-User-Key-File"
_KINDS = (
    "ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
)  # fmt: skip
"""Kinds of key in OpenSSH's own form that Go's `ssh.ParseRawPrivateKey` knows, by which the plugin reads a key."""
_LABELS = ("OPENSSH", "RSA", "EC", "DSA", "")
"""What stands before `PRIVATE KEY` in the texts that it knows."""
_ALGORITHMS = tuple(
    bytes.fromhex(text) for text in ("06092a864886f70d010101", "06072a8648ce3d0201", "06032b6570")
)
"""RSA, EC and Ed25519 as PKCS#8 names them (RFC 8017, 5480, 8410)."""
_NEW = "Make one for this: ssh-keygen -t ed25519 -f argoweb-key; add argoweb-key.pub to the server."
_KEY = "argoweb:sshPrivateKey"
SET_KEY = SetKey(_KEY, "~/.ssh/id_ed25519", secret=True, from_file=True)
_HOW = ("Set it from the file: ", SET_KEY)


def find_problem(text: str) -> tuple[str, Remedy] | None:
    """Says why a private key cannot be used and what to do, and shows nothing of it; `None` where it can."""
    if is_encrypted(text):
        return (
            "found a key with a passphrase, expected one without.",
            ("Or use your SSH agent: ssh-add ~/.ssh/id_ed25519, then ", RemoveKey(_KEY)),
        )
    if _PUBLIC.match(text):
        return "found a public key, expected the private one, in the file without '.pub'.", _HOW
    if text.startswith(_PUTTY):
        return (
            "found a key in PuTTY's form, expected OpenSSH's.",
            ("Turn it into one: puttygen key.ppk -O private-openssh -o key. ", *_HOW),
        )
    if not text.lstrip().startswith("-----BEGIN"):
        return (
            "found no '-----BEGIN … PRIVATE KEY-----', expected the text of a private key.",
            _HOW,
        )
    found = _PEM.search(text)
    try:
        content = base64.b64decode("".join(found[2].split()) if found else "?", validate=True)
    except ValueError:
        return (
            "found a key with lines that are joined, changed or missing, expected all as in its file.",
            _HOW,
        )
    return _refuse_kind(found[1].removesuffix("PRIVATE KEY").strip() if found else "", content)


def _refuse_kind(label: str, content: bytes) -> tuple[str, Remedy] | None:
    """Says what is wrong with a key of a kind that the plugin does not know, and what to do; `None` for another one."""
    kind = _find_kind(content)
    if kind.startswith("sk-"):
        return (
            f"found a key of the kind '{kind}', which lives in a security key that has to be touched.",
            (
                "Use your SSH agent: ssh-add ~/.ssh/id_ed25519_sk, then ",
                RemoveKey(_KEY),
                ". Or make one without: ssh-keygen -t ed25519",
            ),
        )
    if kind and kind not in _KINDS:
        return f"found a key of the kind '{kind}', expected one of {', '.join(_KINDS)}.", _NEW
    if label not in _LABELS:
        return f"found '{label} PRIVATE KEY', expected an SSH private key.", _NEW
    if not label and not any(name in content[:40] for name in _ALGORITHMS):
        return "found a key that is neither RSA, ECDSA nor Ed25519.", _NEW
    return None


def _find_kind(content: bytes) -> str:
    """Gives the kind of a key in OpenSSH's own form: the first field of its first public key; empty for another form."""
    if not content.startswith(_OPENSSH + _PLAIN):
        return ""
    at = len(_OPENSSH + _PLAIN)
    for _ in range(2):  # the name and the options of the key derivation
        at += 4 + int.from_bytes(content[at : at + 4], "big")
    at += 4 + 4  # the number of keys, the length of the public one
    length = int.from_bytes(content[at : at + 4], "big")
    return content[at + 4 : at + 4 + length].decode("ascii", "replace")


def is_encrypted(text: str) -> bool:
    """Whether a private key takes a passphrase: as PKCS#8, as the older PEM, or in OpenSSH's own form."""
    if "ENCRYPTED" in text:
        return True
    body = "".join(line for line in text.splitlines() if "-----" not in line)
    try:
        content = base64.b64decode(body)
    except ValueError:
        return False
    return content.startswith(_OPENSSH) and not content.startswith(_OPENSSH + _PLAIN)
