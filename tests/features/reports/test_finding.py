"""What a gate found is kept with a version as text, and comes back as it was; what is not known here does not."""

import pytest

from features.reports.finding import Finding, from_text, to_text


def test_findings_come_back_as_they_were() -> None:
    found = (
        Finding.of("worse_at_new", {"difference": -0.02, "low": -0.03, "high": -0.01}, opponent="champion"),
        Finding.of("valued", {"difference": 0.1, "low": float("-inf"), "high": 1, "gain": float("nan"), "clip": 10.0}),
    )
    assert from_text(to_text(found)) == found
    assert found[1].figures["low"] is found[1].figures["gain"] is None


@pytest.mark.parametrize(
    "text", [None, "", "[]", "{}", "nonsense", '[{"code":"weights_off","figures":{},"names":{}}]', '[{"code":1}]']
)
def test_a_version_without_codes_that_are_known_has_none(text: str | None) -> None:
    assert from_text(text) == ()


@pytest.mark.parametrize(("code", "figures"), [("unheard of", {}), ("weights_off", {}), ("admitted", {"share": 0.1})])
def test_a_gate_cannot_say_what_no_page_has_words_for(code: str, figures: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="it takes"):
        Finding.of(code, figures)
