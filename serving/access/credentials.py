"""Reading the key out of a request: as a bearer token, as the user name of Basic, or in X-API-Key."""

import base64
import binascii
from dataclasses import dataclass

from starlette.types import Scope as AsgiScope

from serving.problems import Refused


@dataclass(frozen=True)
class Presented:
    """What a request says about who sends it. `browser` is set where a page of the web made the request."""

    secret: str | None
    origin: str | None
    browser: bool


def presented(scope: AsgiScope) -> Presented:
    """Everything that the guard wants to know, in one pass over the headers.

    A key given twice must be the same key both times: else one of two programs in front of us has mistaken another's
    for its own. Raises Refused, `unauthorized`, where they differ or cannot be read.
    """
    secrets: set[str] = set()
    origin = None
    browser = False
    for name, value in scope["headers"]:
        if name == b"authorization":
            secrets.add(_authorization(value))
        elif name == b"x-api-key":
            secrets.add(value.decode("latin-1").strip())
        elif name == b"origin":
            origin = value.decode("latin-1").lower()
            browser = True
        elif name == b"sec-fetch-site":
            browser = True
    secrets.discard("")
    if len(secrets) > 1:
        raise Refused("unauthorized", "Two keys that differ came with the request; send one", headers=CHALLENGE)
    return Presented(next(iter(secrets), None), origin, browser)


CHALLENGE = {"WWW-Authenticate": 'Bearer realm="kairos", Basic realm="kairos"'}
"""What every 401 says about how to come back. Basic is what Segment's and Braze's senders know."""


def _authorization(value: bytes) -> str:
    scheme, _, rest = value.strip().partition(b" ")
    rest = rest.strip()
    match scheme.lower():
        case b"":
            return ""
        case b"bearer":
            return rest.decode("latin-1")
        case b"basic":
            try:
                decoded = base64.b64decode(rest, validate=True)
            except binascii.Error:
                raise Refused("unauthorized", "What came as Basic is not base64", headers=CHALLENGE) from None
            return decoded.partition(b":")[0].decode("latin-1")
    raise Refused("unauthorized", "The scheme of Authorization is not known; send Bearer or Basic", headers=CHALLENGE)
