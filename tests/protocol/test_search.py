"""What a resource is found by."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scim_asgi.protocol.core import user_definition
from scim_asgi.protocol.search import is_found_alike, lookup_values, unique_values

PEOPLE = user_definition()
USERS = st.fixed_dictionaries(
    {"userName": st.sampled_from(["ada", "Ada", "eva"])},
    optional={
        "title": st.sampled_from(["a", "b"]),
        "displayName": st.sampled_from(["a", "b"]),
        "externalId": st.sampled_from(["a", "A"]),
        "emails": st.lists(
            st.fixed_dictionaries({}, optional={"value": st.sampled_from(["a", "b"])}), max_size=2
        ),
    },
)


@given(USERS, USERS)
def test_versions_that_are_found_alike_have_the_same_keys(
    user: dict[str, Any], other: dict[str, Any]
) -> None:
    if is_found_alike(PEOPLE, user, other):
        assert unique_values(PEOPLE, user) == unique_values(PEOPLE, other)
        assert lookup_values(PEOPLE, user) == lookup_values(PEOPLE, other)
    assert is_found_alike(PEOPLE, user, {**user, "title": "c"})
