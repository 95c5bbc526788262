"""Who may enter the console: whoever has a key for administration, or whom a trusted proxy names."""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from starlette.requests import Request

from features.privacy.secret import digest
from serving.access.guard import Guard
from serving.access.keys import Key
from serving.access.scopes import GRANTS, Scope
from serving.console.csrf import token_of
from serving.console.session import Session
from serving.console.session_table import SessionTable
from serving.problems import Refused
from serving.settings import Settings

COOKIE = "kairos_session"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[^\x00-\x20\x7f]([^\x00-\x1f\x7f]{0,254}[^\x00-\x20\x7f])?")
_VIEWS: frozenset[Scope] = frozenset({"reports:read"})


@dataclass(frozen=True)
class ConsolePeople:
    """Begins, finds and ends sessions. `secret` is the shop's; it keys the tokens of forms."""

    table: SessionTable
    guard: Guard
    settings: Settings
    secret: bytes
    clock: Callable[[], datetime]

    def sign_in(self, request: Request, secret: str) -> tuple[str, Key]:
        """A new session for whoever knows a key for administration: the token for the cookie, and the key.

        Always a new token, so one that an attacker planted in the browser before is worth nothing afterwards. Raises
        Refused, `unauthorized`, where the key is none of those, and `rate_limited` where an address tries too many.
        """
        key = self.guard.key_of(request.scope, secret.strip())
        if "reports:read" not in key.scopes:
            raise Refused("unauthorized", "This key does not open the console; it needs the scope reports:read")
        token = secrets.token_urlsafe(32)
        self.table.begin(_digest(token), key.prefix, self.clock())
        return token, key

    def sign_out(self, request: Request) -> None:
        """End the session of the request's cookie."""
        token = request.cookies.get(COOKIE, "")
        if _TOKEN.fullmatch(token):
            self.table.end(_digest(token))

    def of(self, request: Request, locale: str) -> Session | None:
        """Whose request it is; None for nobody's. Reads the database, so not from the event loop.

        The key is looked at each time: when it is revoked, has expired or has lost a scope, so has the session.
        """
        if (told := self._told_by_proxy(request)) is not None:
            return Session(told, self._granted(told), locale, token_of(self.secret, f"proxy {told}"))
        token = request.cookies.get(COOKIE, "")
        if not _TOKEN.fullmatch(token):
            return None
        digest = _digest(token)
        kept = self.table.find(digest, self.clock())
        key = None if kept is None else self.guard.ring.named(kept.key_prefix)
        if key is None or not key.alive(self.clock()) or "reports:read" not in key.scopes:
            return None
        return Session(key.prefix, key.scopes, locale, token_of(self.secret, f"session {digest}"))

    def hashed(self, kind: str, id_: str) -> str:
        """What stands for the id of a customer in the record of who looked at whom."""
        return digest(self.secret, kind, id_)

    def by_proxy(self, request: Request) -> bool:
        """Whether a proxy said who asks, so that there is nothing to sign out of here."""
        return self._told_by_proxy(request) is not None

    def secure(self, request: Request) -> bool:
        """Whether the browser came by https: as we see it, or as a trusted proxy says."""
        return self._forwarded(request, "x-forwarded-proto", request.url.scheme) == "https"

    def host(self, request: Request) -> str:
        """The host that the browser asked for, as the request or a trusted proxy says."""
        return self._forwarded(request, "x-forwarded-host", request.headers.get("host", ""))

    def _forwarded(self, request: Request, header: str, otherwise: str) -> str:
        if not self.guard.addresses.trusted_peer(request.scope):
            return otherwise
        return request.headers.get(header, otherwise).split(",")[-1].strip().lower()

    def _told_by_proxy(self, request: Request) -> str | None:
        header = self.settings.console_identity_header
        if header is None or not self.guard.addresses.trusted_peer(request.scope):
            return None
        told = request.headers.getlist(header)
        if len(told) != 1 or not _NAME.fullmatch(told[0]):
            return None  # two names: one of them the caller wrote
        return told[0]

    def _granted(self, name: str) -> frozenset[Scope]:
        if name in _names(self.settings.console_admins):
            return GRANTS["adm"]
        if name in _names(self.settings.console_customers):
            return _VIEWS | {"customers:read"}
        return _VIEWS


def open_people(
    engine: Engine, guard: Guard, settings: Settings, secret: bytes, clock: Callable[[], datetime]
) -> ConsolePeople:
    """Who may enter the console of the shop in this database."""
    return ConsolePeople(SessionTable(engine), guard, settings, secret, clock)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _names(told: str) -> frozenset[str]:
    return frozenset(name.strip() for name in told.split(",") if name.strip())
