"""Whether an SSH private key can be used as it is."""

import base64
import binascii

_OPENSSH = b"openssh-key-v1\0"
_PLAIN = b"\0\0\0\x04none"
"""The name of the cipher, with its length, that follows it when there is none (PROTOCOL.key of OpenSSH)."""


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
