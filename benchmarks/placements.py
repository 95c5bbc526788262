"""Five examples of every placement on Complete Journey, with names, to be looked at by eye.

    make serve                            # in another terminal
    python -m benchmarks.placements URL

Asks the running service (as a preview, so nothing counts as shown) and writes the examples into
`docs/recommendations.md`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from benchmarks.claim import ROOT, replace_section

PAGE = ROOT.parent / "docs/recommendations.md"
_SHOWN = 4

_PEOPLE = {
    "household 733, which feeds several cats": "733",
    "household 1839, which has a baby": "1839",
    "household 947, which has a dog": "947",
    "household 1, which buys a little of everything": "1",
    "a visitor of whom nothing is known": None,
}
_PRODUCTS = {
    "canned cat food": "1017041",
    "baby diapers": "14025498",
    "ground coffee": "1008032",
    "hot dog buns": "1098066",
    "bananas": "1082185",
}
_CARTS = {
    "hot dog buns": ("1098066",),
    "ground coffee and white bread": ("1008032", "883404"),
    "canned pasta": ("930917",),
    "baby diapers": ("14025498",),
    "kids cereal and bananas": ("1075175", "1082185"),
}
_CATEGORIES = (
    "Grocery/Cheese",
    "Grocery/Cat food",
    "Produce/Tropical fruit",
    "Drug gm/Hair care products",
    "Grocery/Frozen pizza",
)
_SEARCHES = ("cat food", "diapers", "dark chocolate", "shampoo", "ice cream")


@dataclass(frozen=True)
class Example:
    """Who or what is asked about, and the request beside its placement."""

    title: str
    request: Mapping[str, Any] = field(default_factory=dict)


def examples() -> dict[str, list[Example]]:
    """Five of each placement."""
    people = [Example(title, _subject(user)) for title, user in _PEOPLE.items()]
    found = dict.fromkeys(("home", "email", "buy_again", "recently_viewed", "trending", "new", "wishlist"), people)
    on_page = [Example(f"beside {title}", {"context": {"item_ids": [id_]}}) for title, id_ in _PRODUCTS.items()]
    carts = [
        Example(f"a cart with {title}", {"context": {"cart": [{"item_id": id_} for id_ in ids]}})
        for title, ids in _CARTS.items()
    ]
    shelves = [
        Example(f"{category}, for household 733", {**_subject("733"), "context": {"category": category}})
        for category in _CATEGORIES
    ]
    words = [Example(f"searched for “{text}”", {"context": {"query": text}}) for text in _SEARCHES]
    return {**found, "product": on_page, "cart": carts, "category": shelves, "search": words}


def _subject(user: str | None) -> dict[str, Any]:
    return {"subject": {"user_id": user}} if user else {}


def _section(client: httpx.Client, placement: str, asked: list[Example]) -> Iterator[str]:
    yield f"### {placement}"
    yield ""
    yield "| | what is shown, and why |"
    yield "|---|---|"
    for example in asked:
        body = {"placement": placement, "limit": _SHOWN, "preview": True, **example.request}
        response = client.post("/v1/recommendations", json=body)
        response.raise_for_status()
        items = [
            f"{item['fields'].get('title', item['item_id'])} ({item['reasons'][0]['text']})"
            for item in response.json()["items"]
        ]
        yield f"| {example.title} | {'; '.join(items) or 'nothing'} |"
    yield ""


def main(
    url: Annotated[str, typer.Argument(help="where the service answers, e.g. http://127.0.0.1:3000")],
    key: Annotated[str, typer.Argument(help="a secret key of it, sk_…")],
) -> None:
    """Ask, print, write."""
    with httpx.Client(base_url=url, timeout=30, headers={"X-API-Key": key}) as client:
        lines = [line for placement, asked in examples().items() for line in _section(client, placement, asked)]
    text = "\n".join(lines)
    typer.echo(text)
    replace_section(Path(PAGE), "examples", text)


if __name__ == "__main__":
    typer.run(main)
