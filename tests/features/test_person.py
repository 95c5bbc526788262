"""Who a person is by one id alone can be told from the name of the row, and back."""

from hypothesis import given
from hypothesis import strategies as st

from features.person import Person, default_customer, person_of


@given(st.text(min_size=1))
def test_a_visitor_is_taken_out_of_the_name_that_was_made_of_it(id_: str) -> None:
    assert person_of(default_customer(None, id_)) == Person(f"anonymous:{id_}", (), (id_,))


def test_on_a_shared_device_only_what_names_nobody_else_is_theirs() -> None:
    person = Person("u1", ("u1", "u2"), ("a1",))
    assert [person.did(user) for user in (None, "u1", "u2", "u3")] == [True, True, True, False]
