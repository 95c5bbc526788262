"""The pages of the console in the order of its navigation."""

from dataclasses import dataclass

from serving.console.words import msgid


@dataclass(frozen=True)
class Page:
    """One entry of the navigation: its address, its title, and the group that it stands in."""

    path: str
    title: str
    group: str
    customers: bool = False
    """Whether it shows single customers, and opens only to those who may see them."""


_SHOP, _DECIDED, _MACHINE = msgid("Shop"), msgid("What was decided"), msgid("The machine")

PAGES = (
    Page("/console", msgid("Overview"), _SHOP),
    Page("/console/visitor", msgid("Visitor"), _SHOP, customers=True),
    Page("/console/restock", msgid("Restock calendar"), _SHOP),
    Page("/console/segments", msgid("Segments"), _SHOP),
    Page("/console/recovery", msgid("Cart recovery"), _DECIDED),
    Page("/console/send-times", msgid("Send times"), _DECIDED),
    Page("/console/uplift", msgid("Uplift"), _DECIDED),
    Page("/console/funnel", msgid("Funnel"), _DECIDED),
    Page("/console/integration", msgid("Integration"), _MACHINE),
    Page("/console/models", msgid("Models"), _MACHINE),
)

ADDRESSES = frozenset(page.path for page in PAGES) | {"/console/restock/day", "/console/models/change"}
"""What has an address of its own to come back to: the pages, and what stands behind a link of theirs."""
