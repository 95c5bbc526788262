"""The answer about somebody who is suppressed: say nothing, and write nothing down."""

import secrets

from features.decisions import DECISION, Decided, Option, Refusal, Terms
from features.log import Record, microseconds
from serving.decisions.question import Question

SUPPRESSED = "suppressed"
"""The reason that the answer gives."""


def silenced(question: Question) -> tuple[Record, Decided]:
    """A decision that is never logged, in nobody's name: who asks about it later hears that there is none."""
    point = question.point
    decided = Decided(
        decision_point=point.name,
        customer_id="",
        trigger_id="",
        trigger_type=question.trigger_type,
        trigger_at=question.trigger_at,
        step=question.step,
        arm="baseline",
        mode=point.mode,
        policy="rule",
        policy_version=None,
        context={},
        options=(Option(probability=1.0),),
        chosen=0,
        propensity=1.0,
        terms=Terms(margin=point.margin, window_hours=point.window_hours, unsubscribe_cost=0.0, complaint_cost=0.0),
        valid_until=max(question.latest, question.at),
        refused=(Refusal(reason=SUPPRESSED),),
        learnable=False,
    )
    at = microseconds(question.at)
    return Record(f"dec_{secrets.token_hex(15)}", DECISION, at, at, None, None, ""), decided
