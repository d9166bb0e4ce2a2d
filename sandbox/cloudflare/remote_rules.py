"""Rules of the dashboard's, given to a cloudflared that runs: over QUIC by a call of Cap'n Proto's RPC.

Ids and layouts are those of cloudflared's `tunnelrpc/proto/tunnelrpc.capnp` and Cap'n Proto's `rpc.capnp`.
"""

import json
import struct

from .capnp import Struct, decode, encode
from .routes import Json

CONFIGURATION_MANAGER = 0xB48EDFBDAA25DB04
SIGNATURE = bytes.fromhex("52BB825CDB65")
"""What a stream of QUIC for the RPC begins with."""
_CALL, _RETURN, _BOOTSTRAP = 2, 3, 8
_PROMISED = 1
_ASKED, _CALLED = 0, 1
"""The numbers of the two questions: for the object, and what it is to do."""


def body(version: int, config: Json) -> bytes:
    """The rules as HTTP/2 carries them."""
    return json.dumps({"version": version, "config": config}).encode()


def call(version: int, config: Json) -> bytes:
    """Both questions, in one go."""
    promised = Struct(data=struct.pack("<Q", _ASKED), pointers=[None])
    parameters = Struct(data=struct.pack("<iI", version, 0), pointers=[json.dumps(config).encode()])
    asked = Struct(data=struct.pack("<Q", _ASKED), pointers=[None])
    called = Struct(
        data=struct.pack("<IHHQQ", _CALLED, 0, 0, CONFIGURATION_MANAGER, 0),
        pointers=[
            Struct(data=struct.pack("<IHH", 0, _PROMISED, 0), pointers=[promised]),
            Struct(pointers=[parameters, None]),
            None,
        ],
    )
    return _message(_BOOTSTRAP, asked) + _message(_CALL, called)


def answers_the_call(message: bytes) -> bool:
    """Whether a message is what the second question waits for."""
    root = decode(message)
    return root.number(0, 2) == _RETURN and root.struct(0).number(0, 4) == _CALLED


def _message(kind: int, content: Struct) -> bytes:
    return encode(Struct(data=struct.pack("<HHI", kind, 0, 0), pointers=[content]))
