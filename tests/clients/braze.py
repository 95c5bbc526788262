"""Liquid as Braze speaks it: `${…}` names, connected content over HTTP, and messages that abort themselves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO
from urllib.parse import quote

import httpx
from liquid import Environment, Node, RenderContext, Tag, Token, TokenStream
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

from tests.waiting import PATIENCE


class AbortedMessage(Exception):
    """The message does not go out to this recipient."""


@dataclass
class Braze:
    """Renders messages; `credentials` are what was put into its settings, by name, as user name and password."""

    credentials: Mapping[str, tuple[str, str]]
    address: str
    shown: str

    def render(self, text: str, **known: Any) -> str:
        """A message for one recipient, of whom `known` is known."""
        environment = Environment()
        environment.add_tag(_ConnectedContent)
        environment.add_tag(_AbortMessage)
        environment.add_filter("url_param_escape", lambda value: quote(str(value), safe=""))
        plain = re.sub(r"\$\{(\w+)\}", r"\1", text).replace(self.shown, self.address)
        return environment.from_string(plain, globals={"braze": self}).render(**known)

    def fetch(self, asked: str) -> tuple[str, Any]:
        """The name that connected content saves its answer under, and the answer: None unless it was a 2xx."""
        url, *told = re.split(r"\s+:(?=[a-z_])", asked.strip())
        options = {name: value for name, _, value in (option.partition(" ") for option in told)}
        media_type = options.get("content_type", "application/x-www-form-urlencoded")
        response = httpx.request(
            options.get("method", "get").upper(),
            url,
            content=options.get("body"),
            headers={"Content-Type": media_type} if "body" in options else {},
            auth=self.credentials[options["basic_auth"]],
            timeout=PATIENCE,
        )
        return options["save"], response.json() if response.is_success else None


class _Told(Node):
    """A tag with what stands behind its name, in which `{{…}}` are filled in when it is rendered."""

    def __init__(self, token: Token, text: str) -> None:
        super().__init__(token)
        self.text = text
        self.blank = False

    def filled(self, context: RenderContext) -> str:
        return context.env.from_string(self.text).render(**{**context.globals, **context.locals})


class _Fetched(_Told):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        braze: Any = context.globals["braze"]
        name, answer = braze.fetch(self.filled(context))
        context.assign(name, answer)
        return 0


class _Aborted(_Told):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        raise AbortedMessage(self.filled(context))


def _parsed(stream: TokenStream, kind: type[_Told]) -> _Told:
    token = stream.eat(TOKEN_TAG)
    stream.expect(TOKEN_EXPRESSION)
    return kind(token, stream.current.value)


class _ConnectedContent(Tag):
    name = "connected_content"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        return _parsed(stream, _Fetched)


class _AbortMessage(Tag):
    name = "abort_message"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        return _parsed(stream, _Aborted)
