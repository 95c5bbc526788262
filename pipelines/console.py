"""How verbs talk to a person: progress bars for what takes long, on a terminal and in a log alike."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Tick = Callable[[int, int | None], None]


@contextmanager
def bar(console: Console, title: str) -> Iterator[Tick]:
    """A progress bar; what it yields is called with what is done so far and, where known, with the whole."""
    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn(f"{title:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=None)

        def tick(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        yield tick
        whole = progress.tasks[0].total or progress.tasks[0].completed or 1
        progress.update(task, completed=whole, total=whole)


def counting(tick: Tick) -> Callable[[int], None]:
    """A callback that hears how many more are done, for a bar that shows how many are done.

    >>> heard = counting(lambda done, total: print(done))
    >>> heard(2), heard(3)
    2
    5
    (None, None)
    """
    done = 0

    def add(more: int) -> None:
        nonlocal done
        done += more
        tick(done, None)

    return add
