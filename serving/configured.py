"""Use case: which placements there are, how they are configured now, and who answers for them."""

from collections.abc import Collection
from dataclasses import asdict

from fastapi import APIRouter, Request

from serving.openapi import problems
from serving.placements import Placement
from serving.schemas import PlacementAnswer, PlacementsAnswer, PlacementSource

router = APIRouter(tags=["recommendations"])


@router.get("/v1/placements", responses=problems())
async def placements(request: Request) -> PlacementsAnswer:
    """The placements as they are configured now, and which of their sources the live version has."""
    champion, restock = request.app.state.resources.champion, request.app.state.resources.restock
    known = restock.joined(champion.bundle).members if champion.bundle else ()
    return PlacementsAnswer(placements=[_described(placement, known) for placement in champion.placements.values()])


def _described(placement: Placement, known: Collection[str]) -> PlacementAnswer:
    return PlacementAnswer(
        name=placement.name,
        sources=[
            PlacementSource(**asdict(source), available=source.recommender in known) for source in placement.sources
        ],
        keep_category=placement.keep_category,
        cart_on_page=placement.cart_on_page,
        rules=placement.rules,
    )
