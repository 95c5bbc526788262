"""Why a version did not go live or back, in words for whoever pressed the button."""

from serving.console.words import Words, msgid
from serving.problems import Refused

REASONS = {
    "nothing_live": msgid(
        "Nothing is live yet, so nothing says whether this version is better than what is done. A version that begins "
        "with the rule of the shop may go first."
    ),
    "on_trial": msgid("This version is still tried on a share of the customers; it has not proved to be better there."),
    "not_passed": msgid("The gate did not pass this version, so it does not go live."),
    "rolled_back": msgid("This version was taken back before. Train again instead."),
    "judged_against_another": msgid(
        "This version was compared with another one than the one that is live now. It has to be judged again."
    ),
    "overtaken": msgid("Somebody else was quicker: another version is live by now. Look at the list again."),
    "no_such_version": msgid("There is no such version to go to."),
    "no_reason": msgid("Say why, for whoever reads the record later."),
}
"""By the codes of `serving.promoting` and `models.promotion`."""


def why_not(refused: Refused, words: Words) -> str:
    """One sentence about a change that was refused; what the service says itself stands beneath it."""
    return words(REASONS[refused.errors[0].code])
