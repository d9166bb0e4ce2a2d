"""Whether an SSH private key can be used as it is."""

import base64
import binascii
import re

_OPENSSH = b"openssh-key-v1\0"
_PLAIN = b"\0\0\0\x04none"
"""The name of the cipher, with its length, that follows it when there is none (PROTOCOL.key of OpenSSH)."""
_PEM = re.compile(
    r"^-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----\s*\n(?:[\w-]+: .*\n)*([A-Za-z0-9+/=\s]+)^-----END \1-----\s*$",
    re.MULTILINE,
)
"""What Go's `pem.Decode` finds a key in, as the plugin does; the headers are those of the older form."""
_PUBLIC = re.compile(r"(?:sk-)?(?:ssh|ecdsa)-\S+ AAAA|-----BEGIN (?:[A-Z0-9]+ )?PUBLIC KEY-----")
_HOW = "Set it from the file: pulumi config set --secret argoweb:sshPrivateKey < ~/.ssh/id_ed25519"


def problem(text: str) -> str | None:
    """Why it cannot be used; nothing of it is ever shown."""
    if encrypted(text):
        return (
            "found a key with a passphrase, expected one without. Or use your SSH agent: "
            "ssh-add ~/.ssh/id_ed25519, then pulumi config rm argoweb:sshPrivateKey"
        )
    if _PUBLIC.match(text):
        return f"found a public key, expected the private one, in the file without '.pub'. {_HOW}"
    if not text.lstrip().startswith("-----BEGIN"):
        return (
            f"found no '-----BEGIN … PRIVATE KEY-----', expected the text of a private key. {_HOW}"
        )
    found = _PEM.search(text)
    try:
        base64.b64decode("".join(found[2].split()) if found else "?", validate=True)
    except binascii.Error:
        return f"found a key with lines that are joined, changed or missing, expected all as in its file. {_HOW}"
    return None


def encrypted(text: str) -> bool:
    """Whether it takes a passphrase: as PKCS#8, as the older PEM, or in OpenSSH's own form."""
    if "ENCRYPTED" in text:
        return True
    body = "".join(line for line in text.splitlines() if "-----" not in line)
    try:
        content = base64.b64decode(body)
    except binascii.Error:
        return False
    return content.startswith(_OPENSSH) and not content.startswith(_OPENSSH + _PLAIN)
