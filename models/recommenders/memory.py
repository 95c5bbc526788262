"""What a fit takes of memory, asked before it starts: a refusal with a way out instead of a process that is killed."""

from collections.abc import Iterable
from typing import ClassVar, Protocol, runtime_checkable

from models.recommenders.base import Interactions, Recommender


@runtime_checkable
class Heavy(Protocol):
    """A recipe whose fit can outgrow a machine, and which knows what it takes."""

    name: ClassVar[str]

    def bytes_needed(self, interactions: Interactions) -> int:
        """The most that `fit` holds at a time beside the `interactions` themselves."""
        ...

    def way_out(self, interactions: Interactions, memory: int) -> str:
        """What to do when `memory` bytes are not enough, in words: a parameter to change, another recipe."""
        ...


def threads_that_fit(parts: Iterable[Recommender], interactions: Interactions, threads: int, memory: int) -> int:
    """How many of `parts` may be fitted at a time in `memory` bytes, `threads` at most.

    Raises ValueError when one of them does not fit alone, which says what it needs and what would do.
    """
    needs = {part: part.bytes_needed(interactions) for part in parts if isinstance(part, Heavy)}
    for part, needed in needs.items():
        if needed > memory:
            raise ValueError(
                f"{part.name} over {interactions.customer_count:,} customers, {len(interactions.item_ids):,} products "
                f"and {len(interactions.items):,} interactions needs {needed / 1e9:.1f} GB of memory, "
                f"{memory / 1e9:.1f} GB are free: {part.way_out(interactions, memory)}"
            )
    heaviest = sorted(needs.values(), reverse=True)
    while threads > 1 and sum(heaviest[:threads]) > memory:
        threads -= 1
    return threads
