"""Old states of policies that learn, taken out of the registry: a run each five minutes makes 100,000 a year.

What somebody may still ask for stays: whatever was trained and not merely learned further, what carries an alias, what
a rollback leads to, the bases that states extend, and the latest states, which a service that lags may yet load. The
decision log names versions that are gone; it holds their probabilities itself, so evaluation needs none of them.
"""

from models.line import BASE, LEARNED_FROM
from models.published import CANARY, CHALLENGER, CHAMPION, Version
from models.registry import Registry

KEPT = 20
"""So many of the latest versions stay whatever they are."""

_LEADS_TO = (BASE, "replaces")


def prune(name: str, registry: Registry, keep: int = KEPT) -> list[Version]:
    """Delete the states of `name` that nothing leads to but `keep` of the latest; returns those that went.

    Raises ValueError for a `keep` below 1: the state that is live may be the only one.
    """
    if keep < 1:
        raise ValueError(f"at least one version has to stay, not {keep}")
    versions = registry.versions(name)
    asked = [named.number for alias in (CHAMPION, CHALLENGER, CANARY) if (named := registry.alias(name, alias))]
    trained = [version.number for version in versions if LEARNED_FROM not in version.tags]
    latest = [version.number for version in versions[:keep]]
    wanted = _reached({version.number: version for version in versions}, {*asked, *trained, *latest})
    gone = [version for version in versions if version.number not in wanted]
    for version in gone:
        registry.delete(version)
    return gone


def _reached(known: dict[str, Version], numbers: set[str]) -> set[str]:
    """`numbers`, and all that their tags lead to."""
    found, ahead = set(numbers), list(numbers)
    while ahead:
        version = known.get(ahead.pop())
        more = {version.tags.get(tag, "") for tag in _LEADS_TO} - found - {""} if version else set()
        found |= more
        ahead += more
    return found
