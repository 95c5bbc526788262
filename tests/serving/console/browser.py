"""A browser without a window: a signed-in client of the console that sends its cookies, its language and its token."""

import re
from html import unescape
from typing import Any

from tests.serving.world import Shop, make_key

TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


def text(html: str) -> str:
    """What a page says, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


class Browser:
    """One person at the console of a shop, signed in with a key of their own; with `scopes` only those."""

    def __init__(self, shop: Shop, scopes: list[Any] | None = None, locale: str = "en") -> None:
        self.shop = shop
        self.key = make_key(shop.folder, scopes=scopes)
        answer = self.shop.client.post("/console/sign-in", data={"key": self.key}, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        self.shop.client.cookies.clear()
        self.cookie = answer.headers["set-cookie"].split(";")[0]
        self.headers = {"Cookie": self.cookie, "Accept-Language": locale, "Authorization": ""}
        token = TOKEN.search(self.get("/console").text)
        assert token is not None
        self.token = token.group(1)

    def get(self, path: str, **params: Any) -> Any:
        """A page; redirects are not followed."""
        told = {"params": params} if params else {}
        return self.shop.client.get(path, headers=self.headers, follow_redirects=False, **told)

    def post(self, path: str, headers: dict[str, str] | None = None, **form: Any) -> Any:
        """A form of ours, sent with the token of the session unless `csrf` says otherwise."""
        return self.shop.client.post(
            path, headers={**self.headers, **(headers or {})}, data={"csrf": self.token, **form}, follow_redirects=False
        )
