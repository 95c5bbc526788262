"""What a reason says to a person, in English and in Russian: one sentence a code, with the plurals of each language."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache


@dataclass(frozen=True)
class Wording:
    """The sentences of one language. `{name}` is a product, a category or what was searched for."""

    sentences: Mapping[str, str]
    quoted: Callable[[str], str]
    again: Callable[[str, int, date], str]
    buyers: Callable[[int], str]

    def say(self, code: str, name: str = "") -> str:
        """The sentence of `code`."""
        return self.sentences[code].format(name=self.quoted(name))


@lru_cache(maxsize=1_024)
def wording(locale: str | None) -> Wording:
    """Russian for a locale like `ru` or `ru-RU`, English for every other and for none.

    >>> wording("ru-RU").say("because_you_bought", "Чай")
    'Потому что вы купили «Чай»'
    >>> wording(None).buyers(1204)
    '1,204 customers bought it lately'
    """
    language = re.split("[-_]", locale or "")[0].lower()
    return _RUSSIAN if language == "ru" else _ENGLISH


def russian_plural(count: int, one: str, few: str, many: str) -> str:
    """The form that a Russian noun or verb takes behind `count`.

    >>> [russian_plural(count, "раз", "раза", "раз") for count in (1, 2, 5, 11, 22)]
    ['раз', 'раза', 'раз', 'раз', 'раза']
    """
    if count % 10 == 1 and count % 100 != 11:
        return one
    return few if 2 <= count % 10 <= 4 and not 12 <= count % 100 <= 14 else many


@lru_cache(maxsize=4_096)
def _again_english(verb: str, count: int, last: date) -> str:
    done = {"bought_before": "bought it", "seen_before": "looked at it"}[verb]
    return f"You {done} {f'{count} times' if count > 1 else 'once'}, last on {last}"


@lru_cache(maxsize=4_096)
def _again_russian(verb: str, count: int, last: date) -> str:
    if count == 1:
        done = {"bought_before": "купили", "seen_before": "смотрели"}[verb]
        return f"Вы {done} это один раз, {last:%d.%m.%Y}"
    done = {"bought_before": "покупали", "seen_before": "смотрели"}[verb]
    times = russian_plural(count, "раз", "раза", "раз")
    return f"Вы {done} это {count} {times}, последний раз {last:%d.%m.%Y}"


def _buyers_english(count: int) -> str:
    return f"{count:,} customers bought it lately"


def _buyers_russian(count: int) -> str:
    who = russian_plural(count, "покупатель", "покупателя", "покупателей")
    done = russian_plural(count, "купил", "купили", "купили")
    number = f"{count:,}".replace(",", "\u00a0")
    return f"Недавно это {done} {number} {who}"


def _in_guillemets(name: str) -> str:
    """Quotes inside of quotes are others: «Чай „Нури“»."""
    inner = re.sub(r'"([^"]*)"', r"„\1“", name)
    return f"«{inner.replace('«', '„').replace('»', '“')}»"


_ENGLISH = Wording(
    {
        "because_you_bought": "Because you bought {name}",
        "because_you_saw": "Because you looked at {name}",
        "bought_with": "Often bought with {name}",
        "chosen": "Chosen by the shop",
        "explored": "New here, and worth a look",
        "matches_search": "Matches “{name}”",
        "new": "New in the shop",
        "popular": "Popular with other customers",
        "popular_in_category": "Popular in {name}",
        "promoted": "Promoted by the shop",
        "similar_to": "Similar to {name}",
        "trending": "Wanted more than usual these days",
    },
    str,
    _again_english,
    _buyers_english,
)
_RUSSIAN = Wording(
    {
        "because_you_bought": "Потому что вы купили {name}",
        "because_you_saw": "Потому что вы смотрели {name}",
        "bought_with": "Часто берут вместе с {name}",
        "chosen": "Выбор магазина",
        "explored": "Новое у нас: взгляните",
        "matches_search": "По запросу {name}",
        "new": "Новинка магазина",
        "popular": "Популярно у других покупателей",
        "popular_in_category": "Популярно в разделе {name}",
        "promoted": "Продвигается магазином",
        "similar_to": "Похоже на {name}",
        "trending": "Сейчас берут чаще обычного",
    },
    _in_guillemets,
    _again_russian,
    _buyers_russian,
)
