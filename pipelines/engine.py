"""Where buckets are worked on: in a loop on this machine, or as tasks of a Ray cluster, by the same functions.

A function of a bucket is pure and leaves its result in a file of its own, written beside it and renamed, so a bucket
may be tried again on another machine, and half of a result is never seen. What `map` returns is small: paths, counts.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from pipelines.console import Tick

B = TypeVar("B", bound=Hashable)
T = TypeVar("T")

LOCAL = "local"
RAY = "ray"


class Engine(Protocol):
    """Applies a function to buckets."""

    @property
    def cores(self) -> int | None:
        """How many threads one call may use; None leaves it to the libraries."""

    def map(self, function: Callable[[B], T], buckets: Sequence[B], progress: Tick | None = None) -> list[T]:
        """What `function` returns for each of `buckets`, in their order; `progress` hears how many are done of all.

        A bucket that fails does not keep the others from being done. Raises `BucketsFailed` that names those.
        """


class BucketsFailed(RuntimeError):
    """Some buckets failed; the results of the others are kept. `errors` has the error of each that failed."""

    def __init__(self, errors: dict[Hashable, BaseException], of: int) -> None:
        self.errors = errors
        told = "; ".join(f"part {bucket}: {_told(error)}" for bucket, error in errors.items())
        super().__init__(
            f"{len(errors)} of {of} failed, the others are done and kept: mend this and run it again. {told}"
        )


class Local:
    """One bucket after the other in this process: libraries use the cores of the machine by themselves."""

    cores: int | None = None

    def map(self, function: Callable[[B], T], buckets: Sequence[B], progress: Tick | None = None) -> list[T]:
        """See `Engine.map`."""
        done: list[T] = []
        errors: dict[Hashable, BaseException] = {}
        for number, bucket in enumerate(buckets, 1):
            try:
                done.append(function(bucket))
            except Exception as error:  # whatever it is, the others are done first, and then it is raised
                errors[bucket] = error
            if progress is not None:
                progress(number, len(buckets))
        if errors:
            raise BucketsFailed(errors, len(buckets)) from next(iter(errors.values()))
        return done


def named(address: str) -> str:
    """`address` as it is, where it may name an engine. Raises ValueError for another word.

    >>> named("head.shop:6379")
    'head.shop:6379'
    """
    host, _, port = address.rpartition(":")
    if address in (LOCAL, RAY) or (host and "/" not in host and port.isdecimal()):
        return address
    raise ValueError(
        f"KAIROS_ENGINE={address!r} is unknown; use `local`, `ray`, or `host:port` of a Ray cluster's head"
    )


@contextmanager
def opened(address: str) -> Iterator[Engine]:
    """The engine that `KAIROS_ENGINE` names: `local`, `ray` for Ray on this machine, `host:port` of a Ray cluster.

    Raises ValueError for another word, ModuleNotFoundError where Ray is not installed, ConnectionError where no cluster
    answers.
    """
    if address == LOCAL:
        yield Local()
    else:
        named(address)
        try:
            from pipelines.ray_engine import connected  # noqa: PLC0415
        except ModuleNotFoundError as error:
            if error.name != "ray":
                raise
            told = (
                f"KAIROS_ENGINE={address} needs Ray: `pip install -c requirements-dev.lock ray` (for the image "
                "`--build-arg EXTRA=ray`), or set KAIROS_ENGINE=local"
            )
            raise ModuleNotFoundError(told, name="ray") from error
        with connected(address) as engine:
            yield engine


def _told(error: BaseException) -> str:
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {error}{notes}"
