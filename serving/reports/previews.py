"""Where looking at single customers happens: in a few threads of its own, so that no visitor of the shop waits."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from models.published import PublishedRecommender
from models.recommenders.base import days
from models.registry import Registry
from serving.bundle import Bundle
from serving.champion import Champion
from serving.logs import in_context
from serving.reports.challenger import Challenger

P = ParamSpec("P")
T = TypeVar("T")
_THREADS = 3


@dataclass(frozen=True)
class Previews:
    """The threads, and the challenger that is held while somebody looks at it."""

    threads: ThreadPoolExecutor
    challenger: Challenger

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Wait for a call that blocks; a look that is given up stops waiting, whatever the call still does."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, in_context(function, *args, **kwargs))


@contextmanager
def previewing(registry: Registry, champion: Champion) -> Iterator[Previews]:
    """Previews over the shelf and the features of the champion, for as long as a `with` lasts."""

    def assembled(published: PublishedRecommender) -> Bundle:
        return Bundle.assembled(published, champion.shelf, champion.product_features, days(champion.clock()))

    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="previews")
    challenger = Challenger(registry, assembled)
    try:
        yield Previews(threads, challenger)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        challenger.close()
