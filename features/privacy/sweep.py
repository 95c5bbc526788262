"""People on the suppression list who stand in tables of features all the same: computed while they were erased."""

from features.person import person_of
from features.privacy.base import Store
from features.privacy.online import OnlineRows
from features.privacy.parquet import customer_files
from features.privacy.work import Places


def sweep(places: Places) -> int:
    """Take them out, also of the online store; returns how many customers that were. For the end of the day."""
    tables = customer_files(places.feature_data)
    people = [person_of(id_) for id_ in sorted(set().union(*(files.customers() for files in tables)))]
    listed = [person for person in people if places.suppressions.has_any(person)]
    stores: list[Store] = [*tables, OnlineRows(places.online, places.engine)]
    for person in listed:
        for store in stores:
            store.erase(person)
    return len(listed)
