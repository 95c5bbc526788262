"""How long after `PUT /v1/catalog/items` a product that nobody has touched can be found, asked of a running service.

make serve                            # in another terminal; adds made products to its catalogue
python -m benchmarks.new_product URL
"""

import time
import uuid
from typing import Annotated

import httpx
import numpy as np
import typer

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write

ROUNDS = 20
OWED_SECONDS = 1.0
PAUSE = 0.02
_WAIT_SECONDS = 30.0


def main(
    url: Annotated[str, typer.Argument(help="where the service answers, e.g. http://127.0.0.1:3000")],
    key: Annotated[str, typer.Argument(help="a secret key of it, sk_…")],
) -> None:
    """Add, ask until it is there, print, write."""
    with httpx.Client(base_url=url, timeout=30, headers={"X-API-Key": key}) as client:
        seconds = np.array([_until_found(client) for _ in range(ROUNDS)])
    claim = Claim(
        measure="seconds of wall time from PUT until a search finds the product",
        data="Complete Journey: a catalogue of 92,331 products, the default suite",
        protocol=f"{ROUNDS} made products, one after another, asked for every {PAUSE} s; ours is the slowest",
        ours=float(seconds.max()),
        interval=(float(np.quantile(seconds, 0.025)), float(np.quantile(seconds, 0.975))),
        baselines={"median": float(np.median(seconds))},
        must=f"within {OWED_SECONDS:.0f} s",
        goal=f"within {OWED_SECONDS:.0f} s",
        met=bool(seconds.max() < OWED_SECONDS),
        seeds=(),
        cpu_seconds=float(seconds.sum()),
        machine=machine(),
        commit=commit(),
    )
    text = (
        f"{claim.data}; {claim.protocol}. {machine()}.\n\n"
        f"Median {np.median(seconds):.2f} s, slowest {seconds.max():.2f} s; {claim.must} is owed."
    )
    typer.echo(text)
    write([claim], "serving", "new_product")
    replace_section(ROOT / "README.md", "new_product", text)


def _until_found(client: httpx.Client) -> float:
    """Seconds; raises TimeoutError when the product does not show."""
    word = uuid.uuid4().hex[:12]
    item = {"item_id": f"made-{word}", "title": f"{word} biscuit", "category": "Grocery/Made for a measurement"}
    started = time.monotonic()
    client.put("/v1/catalog/items", json={"items": [item]}).raise_for_status()
    asked = {"placement": "search", "context": {"query": word}, "limit": 3, "preview": True}
    while time.monotonic() - started < _WAIT_SECONDS:
        answer = client.post("/v1/recommendations", json=asked).raise_for_status().json()
        if any(shown["item_id"] == item["item_id"] for shown in answer["items"]):
            return time.monotonic() - started
        time.sleep(PAUSE)
    raise TimeoutError(f"{item['item_id']} was not found within {_WAIT_SECONDS} s; is the catalogue being followed?")


if __name__ == "__main__":
    typer.run(main)
