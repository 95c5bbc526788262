"""Who trains a transformer together: how many there are, which of them one is, and how their gradients become one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Group(Protocol):
    """Workers who all go through the same batches, each over its own share of every batch.

    Gradients are sums over examples and are added up, so as many workers as there may be take the same steps.
    """

    @property
    def rank(self) -> int:
        """Which of them this is, from 0; the first writes the checkpoints."""
        ...

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def agreed(self, number: int) -> int:
        """What the first one says, so that nobody starts elsewhere than the others."""
        ...

    def add_up(self, tensors: Sequence[Any]) -> None:
        """Put the sum over all workers into each of `tensors`. Raises RuntimeError when one of them is gone."""
        ...


@dataclass(frozen=True)
class Alone:
    """One worker: what is to be added up is the sum already."""

    rank: int = 0
    size: int = 1

    def agreed(self, number: int) -> int:
        """The same number."""
        return number

    def add_up(self, tensors: Sequence[Any]) -> None:
        """Nothing to do."""


@dataclass(frozen=True)
class Collective:
    """A process of torch's default process group, which whoever started the processes has set up (gloo on CPU)."""

    rank: int
    size: int

    def agreed(self, number: int) -> int:
        """The first process tells the others."""
        import torch  # noqa: PLC0415

        told = torch.tensor(number)
        torch.distributed.broadcast(told, src=0)
        return int(told)

    def add_up(self, tensors: Sequence[Any]) -> None:
        """One message for all of them: a message costs more than what is in a small one."""
        import torch  # noqa: PLC0415

        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        torch.distributed.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))
