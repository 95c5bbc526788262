"""How MLflow's `pyfunc` opens a published policy: for batch work and for a look from a notebook.

The service never asks a policy through pyfunc; it loads the same files directly.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array
from numpy.typing import NDArray

from models.policies.base import FittedPolicy
from models.policies.contexts import Contexts
from models.policies.eligible import FACTORS, NUMBERS, Eligible
from models.storage import load

_ASKED = [
    ColSpec(Array(DataType.string), "context_names"),
    ColSpec(Array(DataType.double), "context_values"),
    *(ColSpec(Array(DataType.string), factor) for factor in FACTORS),
    *(ColSpec(Array(DataType.double), number) for number in NUMBERS),
]
SIGNATURE = ModelSignature(inputs=Schema(_ASKED), outputs=Schema([ColSpec(Array(DataType.double), "probabilities")]))


class PolicyTable:
    """A fitted policy that takes and gives tables, one row a decision."""

    def __init__(self, model: FittedPolicy) -> None:
        self.model = model

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """What is known and the eligible actions in, the probability of each action out.

        `context_names` and `context_values` are lists of equal length. Every other column is a list with one entry an
        action: the label of a factor, "" where the action lacks it, or a number. Silence lacks every factor.
        """
        known = zip(rows["context_names"], rows["context_values"], strict=True)
        contexts = Contexts.of([_context(names, values) for names, values in known])
        eligible = Eligible.of([_actions(row) for row in rows.to_dict("records")])
        found = self.model.probabilities(contexts, eligible)
        answers = np.split(found, eligible.starts[1:-1])
        return pd.DataFrame({"probabilities": [answer.tolist() for answer in answers]})


def example(fitted: FittedPolicy, at: datetime) -> pd.DataFrame:  # noqa: ARG001  # every family's is called so
    """A cart of 40 and two things that can be done about it: what a caller of pyfunc has to send."""
    mail = dict.fromkeys(FACTORS, "") | {"channel": "email", "delay": "24h", "hour": "18-21", "argument": "reminder"}
    numbers = dict.fromkeys(NUMBERS, 0.0) | {"delay_hours": 24.0, "cost": 0.01}
    row: dict[str, Any] = {"context_names": ["cart_value"], "context_values": [40.0]}
    row |= {factor: ["", label] for factor, label in mail.items()}
    return pd.DataFrame([row | {name: [0.0, number] for name, number in numbers.items()}])


def _context(names: NDArray[Any], values: NDArray[Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in zip(names, values, strict=True)}


def _actions(row: dict[Any, Any]) -> list[tuple[dict[str, str], dict[str, float]]]:
    factors = zip(*(row[factor] for factor in FACTORS), strict=True)
    numbers = zip(*(row[number] for number in NUMBERS), strict=True)
    return [
        (
            {factor: str(label) for factor, label in zip(FACTORS, labels, strict=True) if label},
            {name: float(number) for name, number in zip(NUMBERS, given, strict=True)},
        )
        for labels, given in zip(factors, numbers, strict=True)
    ]


def _load_pyfunc(data_path: str) -> PolicyTable:
    """The entry point that MLflow calls by this name."""
    return PolicyTable(load(Path(data_path))[1])
