"""Choosing what to show: the sources of a placement are asked in turn under its rules, then the rules arrange.

Pure: a bundle, a placement and visitors in, answers out. One request is a batch of one, so single requests, batches and
files of recommendations cannot differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.arrays import Ids, Mask
from models.recommenders.base import FittedRecommender, Query
from models.recommenders.two_stage import FittedTwoStage
from serving.bundle import Bundle
from serving.placements import Placement, Stage, stages
from serving.rules.allow import allow
from serving.rules.arrange import arrange, depth
from serving.rules.candidates import Candidate
from serving.rules.columns import Columns
from serving.rules.page import Page, Slot
from serving.rules.rules import Rules
from serving.visitor import PURCHASE, Visitor

_CHUNK = 64
"""Requests whose masks are held at once: 4 MB for 68,000 products."""

_SPARE = 2
"""Candidates for each slot where rules reorder, as they may also leave something out; caps may leave out most."""

_FOUND_BY_TEXT = 5
"""Of what a search finds, how many products stand for it where no list was on the page."""

Answer = tuple[str, float, str]


@dataclass(frozen=True)
class Wanted:
    """One answer that is wanted: for whom, on which page, and by which rules it is arranged.

    `page_ids` are the products that the answer is to go with, `text` is what was searched for.
    """

    visitor: Visitor
    page: Page
    rules: Rules
    page_ids: tuple[str, ...]
    text: str | None
    limit: int


@dataclass(frozen=True)
class Source:
    """Where an item came from: who was asked what."""

    stage: Stage
    query: Query


@dataclass(frozen=True)
class Chosen:
    """The slots of one answer, and for each item that a source found, how.

    `strategy` is the source that was asked first, `fallback` that of the best candidate when the first found nothing
    or, as a ranker without a history to rank by, let others answer.
    """

    slots: tuple[Slot, ...]
    found: Mapping[str, Source]
    strategy: str
    fallback: str | None


@dataclass
class _Open:
    """One answer in the making: what the rules allow, and what is there already.

    A source gives up to `depth` candidates, for the rules to choose from; with `enough` of them nobody else is asked.
    """

    wanted: Wanted
    allowed: Mask
    depth: int
    enough: int
    candidates: list[Candidate] = field(default_factory=list)
    found: dict[str, Source] = field(default_factory=dict)
    fallback: str | None = None


def choose(bundle: Bundle, placement: Placement, wanted: Sequence[Wanted], fallback: bool = True) -> list[Chosen]:
    """One answer for each of `wanted`. With `fallback=False` the first source of the placement is asked alone.

    Raises FilterError for a filter that cannot be used.
    """
    asked = stages(placement, bundle.members, fallback)
    answers: list[Chosen] = []
    for start in range(0, len(wanted), _CHUNK):
        chunk = [_opened(bundle, one) for one in wanted[start : start + _CHUNK]]
        for place, stage in enumerate(asked):
            _ask(bundle, stage, chunk, place)
        answers += [_arranged(bundle, one, asked[0].model.name) for one in chunk]
    return answers


def page_query(day: float, page_ids: Sequence[str]) -> Query:
    """What follows from these products, as if they had been bought this moment."""
    count = len(page_ids)
    ids: Ids = np.array(page_ids, object)
    return Query(day, ids, np.full(count, day), np.full(count, PURCHASE), tuple(page_ids))


def _opened(bundle: Bundle, wanted: Wanted) -> _Open:
    allowed = allow(wanted.rules, wanted.page, bundle.columns)
    most = depth(wanted.rules, wanted.limit)
    enough = most if wanted.rules.caps else min(most, _SPARE * wanted.limit)
    return _Open(wanted, allowed, most, enough)


def _ask(bundle: Bundle, stage: Stage, chunk: Sequence[_Open], place: int) -> None:
    """Let `stage`, the `place`-th that is asked, fill what is open, all answers in one batch."""
    asked: list[tuple[_Open, Query, Mask]] = []
    for one in chunk:
        if len(one.candidates) >= one.enough or (stage.source.last_resort and _is_answered(one)):
            continue
        query = _query(stage, one)
        if query is not None:
            asked.append((one, query, _mask(bundle, stage, one)))
    if asked:
        for (one, query, _), row in zip(asked, _answers(stage, asked), strict=True):
            found = Source(stage, query)
            one.candidates += [Candidate(id_, score, source, place) for id_, score, source in row]
            one.found |= {id_: found for id_, _, _ in row}
            if row and len(one.candidates) == len(row) and (place or _stood_in(stage, query)):
                one.fallback = row[0][2]


def _stood_in(stage: Stage, query: Query) -> bool:
    """Whether a ranker had nothing to rank by, and let its sources answer one after another."""
    return isinstance(stage.model, FittedTwoStage) and not stage.model.ranks(query)


def _is_answered(one: _Open) -> bool:
    return any(not found.stage.source.last_resort for found in one.found.values())


def _query(stage: Stage, one: _Open) -> Query | None:
    """The question of `stage` for one answer; None where there is nothing to ask."""
    wanted, day = one.wanted, one.wanted.page.day
    match stage.source.ask:
        case "search":
            return Query(day, text=wanted.text) if wanted.text else None
        case "similar":
            return page_query(day, wanted.page_ids) if wanted.page_ids else None
        case "page":
            by_text = [id_ for id_, found in one.found.items() if found.stage.source.ask == "search"]
            page_ids = wanted.page_ids or by_text[:_FOUND_BY_TEXT]
            return page_query(day, page_ids) if page_ids else None
        case "history":
            return wanted.visitor.query(day)


def _left(columns: Columns, one: _Open) -> Mask:
    """What is allowed and not there yet; as long as nothing is there, the mask that many answers have in common."""
    if not one.found:
        return one.allowed
    left = one.allowed.copy()
    left[columns.codes(list(one.found))] = False
    return left


def _mask(bundle: Bundle, stage: Stage, one: _Open) -> Mask:
    columns = bundle.columns
    left = _left(columns, one)
    if not stage.source.same_category:
        return left
    known = [bundle.shelf.products[id_].category for id_ in one.wanted.page_ids if id_ in bundle.shelf.products]
    categories = frozenset(category for category in known if category)
    if not categories:
        return left
    same: Mask = columns.masks.get(
        ("same category", categories),
        lambda: columns.text("category").holds(categories.__contains__, unknown=False),
    )
    return left & same


def _answers(stage: Stage, asked: Sequence[tuple[_Open, Query, Mask]]) -> list[list[Answer]]:
    """The new candidates of each of `asked`, best first."""
    rows: list[list[Answer]] = [[]] * len(asked)
    for depth_ in {one.depth for one, _, _ in asked}:  # a model that mixes sources may mix otherwise for a longer list
        places = [place for place, (one, _, _) in enumerate(asked) if one.depth == depth_]
        some = [asked[place] for place in places]
        if stage.source.ask == "similar":
            found = [_similar(stage.model, query.context_ids, depth_, mask) for _, query, mask in some]
        else:
            ranking = stage.model.recommend([query for _, query, _ in some], depth_, _together(some))
            found = [ranking.row(row) for row in range(len(some))]
        for place, row in zip(places, found, strict=True):
            rows[place] = row
    return [row[: one.depth - len(one.candidates)] for (one, _, _), row in zip(asked, rows, strict=True)]


def _together(asked: Sequence[tuple[_Open, Query, Mask]]) -> Mask:
    """The masks of all; one row where they are one and the same."""
    first = asked[0][2]
    return first if all(mask is first for _, _, mask in asked) else np.stack([mask for _, _, mask in asked])


def _similar(model: FittedRecommender, page_ids: Sequence[str], k: int, mask: Mask) -> list[Answer]:
    """What is similar to any of `page_ids`; each row of scores counts in parts of its best, as they do not compare."""
    ranking = model.similar(page_ids, k, mask)
    if len(page_ids) == 1:
        return ranking.row(0)
    totals: dict[str, float] = {}
    sources: dict[str, str] = {}
    for row in range(len(page_ids)):
        entries = ranking.row(row)
        best = entries[0][1] if entries else 0.0
        for place, (id_, score, source) in enumerate(entries, 1):
            totals[id_] = totals.get(id_, 0.0) + (score / best if best > 0 else 1 / place)
            sources[id_] = source
    ids = sorted(totals, key=lambda id_: (-totals[id_], id_))[:k]
    return [(id_, totals[id_], sources[id_]) for id_ in ids]


def _arranged(bundle: Bundle, one: _Open, strategy: str) -> Chosen:
    wanted = one.wanted
    slots = arrange(wanted.rules, wanted.page, bundle.columns, one.candidates, wanted.limit, one.allowed)
    return Chosen(tuple(slots), one.found, strategy, one.fallback)
