"""Why a version went live: in the language of whoever reads where Kairos said so, else in a person's own words."""

from collections.abc import Mapping
from typing import Final

from features.reports.models import ModelVersion
from serving.console.gate_words import told
from serving.console.words import Words, msgid

DEMO: Final = (msgid("first champion"), msgid("it does as the shop's rule says"))
"""What the demo says; more than that is said by nobody in the same words each time."""

FORCED: Final[Mapping[str, str]] = {
    "forced past the gate: ": msgid("forced past the gate: {why}"),
    "forced past the canary: ": msgid("forced past the canary: {why}"),
}
"""What stands before a person's words, as `models/promotion.py` writes it."""


def why_live(words: Words, version: ModelVersion) -> str:
    """Why, as a sentence."""
    said = version.promoted_why or ""
    if found := told(words, version.promoted_findings):
        return found
    if said in DEMO:
        return words(said)
    for before, text in FORCED.items():
        if said.startswith(before):
            return words(text, why=said.removeprefix(before))
    return said
