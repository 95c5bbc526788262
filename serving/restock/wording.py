"""What restocking says to people, in English and in Russian: what is known, what is missing, why it is in the cart."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from serving.wording import russian_plural


@dataclass(frozen=True)
class Past:
    """What was bought of a group: on how many days, last when and how many packs, how many days apart usually."""

    purchases: int
    last: date | None
    packs: float | None
    interval: float | None


NO_PAST = Past(0, None, None, None)
"""Nothing was bought."""


@dataclass(frozen=True)
class RestockWording:
    """The sentences of one language.

    `bought` sums up a past; `claims` and `missing` hold a sentence a status and a missing thing, `reasons` one a reason
    for which an item stands in a cart; `nothing` says why an answer or a cart is empty.
    """

    bought: Callable[[Past], str]
    claims: Mapping[str, Callable[[date | None], str]]
    missing: Mapping[str, str]
    reasons: Mapping[str, str]
    nothing: Mapping[str, str]

    def forecast(self, past: Past, status: str, missing: str, due: date | None) -> str:
        """What a forecast says: the past, then what follows from it or what it lacks."""
        claim = self.missing.get(missing, self.missing[""]) if status == "unknown" else self.claims[status](due)
        return " ".join(filter(None, (self.bought(past), claim)))

    def reason(self, code: str, past: Past) -> str:
        """Why an item is in a cart: what is likely, and the past that it rests on."""
        return " ".join(filter(None, (self.reasons.get(code, self.reasons[""]), self.bought(past))))


def restock_wording(locale: str | None) -> RestockWording:
    """Russian for a locale like `ru` or `ru-RU`, English for every other and for none.

    >>> past = Past(6, date(2026, 11, 4), 2.0, 31.0)
    >>> restock_wording("en").forecast(past, "upcoming", "", date(2026, 12, 5))
    'Bought 6 times, about every 31 days, last on 2026-11-04 (2 packs). Probably needed again by 2026-12-05.'
    >>> restock_wording("ru-RU").forecast(past, "upcoming", "", date(2026, 12, 5))
    'Куплено 6 раз, примерно раз в 31 день, последний раз 04.11.2026 (2 шт.). Вероятно, понадобится к 05.12.2026.'
    """
    return _RUSSIAN if re.split("[-_]", locale or "")[0].lower() == "ru" else _ENGLISH


def _bought_english(past: Past) -> str:
    if not past.purchases or past.last is None:
        return ""
    times = f"{past.purchases} times" if past.purchases > 1 else "once"
    days = "" if past.interval is None else f", about every {_days_english(round(past.interval))}"
    packs = "" if past.packs is None else f" ({past.packs:g} {'pack' if past.packs == 1 else 'packs'})"
    return f"Bought {times}{days}, last on {past.last}{packs}."


def _days_english(count: int) -> str:
    return "day" if count <= 1 else f"{count} days"


def _bought_russian(past: Past) -> str:
    if not past.purchases or past.last is None:
        return ""
    times = f"{past.purchases} {russian_plural(past.purchases, 'раз', 'раза', 'раз')}"
    days = "" if past.interval is None else f", примерно раз в {_days_russian(round(past.interval))}"
    packs = "" if past.packs is None else f" ({past.packs:g} шт.)"
    return f"Куплено {times}{days}, последний раз {past.last:%d.%m.%Y}{packs}."


def _days_russian(count: int) -> str:
    return "день" if count <= 1 else f"{count} {russian_plural(count, 'день', 'дня', 'дней')}"


_ENGLISH = RestockWording(
    _bought_english,
    {
        "due": lambda due: f"Probably needed by {due}." if due else "Probably needed within a week.",
        "overdue": lambda _: "Later than usual, and probably still wanted.",
        "upcoming": lambda due: f"Probably needed again by {due}." if due else "Not needed for some time.",
        "lapsed": lambda _: "Probably not bought here any more.",
    },
    {
        "": "There is too little evidence for a forecast.",
        "one_purchase": "A second purchase is missing: nobody knows yet how long it lasts.",
        "all_on_one_day": "All purchases were on one day: nobody knows yet how long it lasts.",
        "long_ago": "The last purchase is too long ago for a forecast.",
        "never_bought": "Never bought by this customer, so there is nothing to forecast from.",
        "no_group": "The catalogue does not hold this product.",
        "not_periodic": "The shop says that this is not bought periodically.",
        "in_the_future": "The purchases are dated in the future: a clock is wrong.",
        "irregular": "The purchases come too irregularly for a forecast.",
    },
    {
        "": "Probably needed by then.",
        "usual_interval": "The usual time has passed since the last purchase.",
        "overdue": "Later than usual.",
        "running_low": "May run out before the order after next.",
        "declared_periodic": "Needed again and again.",
    },
    {
        "no_subject": "Nobody was named: give a user_id or an anonymous_id.",
        "unknown_customer": "No purchase of this customer is known.",
        "not_due": "Nothing is needed so far that is known with enough certainty.",
        "cart": "What is probably needed on the next day of shopping.",
    },
)
_RUSSIAN = RestockWording(
    _bought_russian,
    {
        "due": lambda due: f"Вероятно, понадобится к {due:%d.%m.%Y}." if due else "Вероятно, понадобится за неделю.",
        "overdue": lambda _: "Позже обычного; вероятно, ещё нужно.",
        "upcoming": lambda due: f"Вероятно, понадобится к {due:%d.%m.%Y}." if due else "Пока не понадобится.",
        "lapsed": lambda _: "Вероятно, здесь это больше не покупают.",
    },
    {
        "": "Данных для прогноза слишком мало.",
        "one_purchase": "Не хватает второй покупки: пока неизвестно, на сколько хватает товара.",
        "all_on_one_day": "Все покупки сделаны в один день: пока неизвестно, на сколько хватает товара.",
        "long_ago": "Последняя покупка была слишком давно для прогноза.",
        "never_bought": "Этот покупатель не покупал такого, прогнозировать не из чего.",
        "no_group": "Этого товара нет в каталоге.",
        "not_periodic": "По словам магазина, это покупают не регулярно.",
        "in_the_future": "Даты покупок лежат в будущем: чьи-то часы идут неверно.",
        "irregular": "Покупки слишком нерегулярны для прогноза.",
    },
    {
        "": "Вероятно, понадобится к этому дню.",
        "usual_interval": "С последней покупки прошло обычное время.",
        "overdue": "Позже обычного.",
        "running_low": "Может закончиться раньше, чем через заказ.",
        "declared_periodic": "Нужно регулярно.",
    },
    {
        "no_subject": "Не сказано, о ком речь: укажите user_id или anonymous_id.",
        "unknown_customer": "Покупок этого покупателя мы не знаем.",
        "not_due": "Пока ничего не нужно, насколько это известно с достаточной уверенностью.",
        "cart": "Что, вероятно, понадобится в следующий день покупок.",
    },
)
