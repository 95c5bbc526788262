"""The secret that keyed hashes of ids are made with: a file beside the database, and never in it.

Ids are short and can be guessed, so a plain hash of one is as good as the id. Whoever holds the database alone, or a
backup of it, can test no guess; whoever holds the file as well can, for each id that they think of.
"""

import os
import secrets
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

_BYTES = 32
_DIGEST = 16


def secret_in(path: Path) -> bytes:
    """The secret that stands in the file; the first who asks writes it, for the owner's eyes only.

    Raises ValueError for a file that holds something else.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{uuid4().hex}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # of several who begin at once one wins, and all read what it wrote
                path.hardlink_to(draft)
        finally:
            draft.unlink()
    try:
        found = bytes.fromhex(path.read_text().strip())
    except ValueError:
        found = b""
    if len(found) != _BYTES:
        raise ValueError(
            f"{path} holds no secret of {2 * _BYTES} hexadecimal digits; put back the file that was there. Where "
            f"there was none yet, `openssl rand -hex {_BYTES}` makes one"
        )
    return found


def digest(secret: bytes, kind: str, id_: str) -> str:
    """What stands for an id of a kind (user, anonymous): 128 bits, in hexadecimal digits.

    >>> digest(b"a secret", "user", "u_81") == digest(b"a secret", "user", "u_81")
    True
    >>> digest(b"a secret", "user", "u_81") == digest(b"a secret", "anonymous", "u_81")
    False
    """
    named = id_.encode("utf-8", "surrogatepass")
    return blake2b(named, digest_size=_DIGEST, key=secret, person=kind.encode()).hexdigest()
