"""FLT: filters (RFC 7644 section 3.4.2.2, with its errata)."""

from __future__ import annotations

import time
import unicodedata

import pytest

from tests.client import ENTERPRISE, GROUP, USER, Client, assert_error, created
from tests.conformance.checklist.requests import (
    DEVICE,
    DEVICE_EXT,
    create_device,
    found,
    listed,
    query,
    search,
    user,
)


@pytest.fixture
def people(client: Client) -> Client:
    """Three users: ada has a title and two addresses, bob one address, cyd nothing."""
    emails = [
        {"value": "a@work.test", "type": "work", "primary": True},
        {"value": "a@home.test", "type": "home"},
    ]
    client.create_user(
        "ada", title="Dr", active=False, emails=emails, name={"familyName": "O'Malley"}
    )
    client.create_user("bob", emails=[{"value": "b@home.test", "type": "home"}])
    client.create_user("cyd")
    return client


def refused(client: Client, text: str, path: str = "/Users") -> str:
    """Return the detail with which a filter is refused."""
    return assert_error(query(client, path, filter=text), 400, "invalidFilter")


def test_flt_02_and_flt_03_names_and_words_match_in_any_case(people: Client) -> None:
    assert ["ada"] == found(people, "/Users", 'USERNAME Eq "ada"')
    assert ["ada"] == found(people, "/Users", 'title PR AND userName SW "a"')
    assert ["bob", "cyd"] == found(people, "/Users", "NOT (title Pr)")


def test_flt_04_eq_compares_by_type(client: Client) -> None:
    create_device(
        client,
        rank=10,
        weight=1.5,
        online=False,
        seenAt="2026-01-31T10:00:00Z",
        link="https://e.x/A",
        blob="aGVsbG8=",
    )
    for text in (
        'label eq "one"',
        "rank eq 10",
        "weight eq 1.5",
        "online eq false",
        'seenAt eq "2026-01-31T11:00:00+01:00"',
        'link eq "https://e.x/A"',
        'blob eq "aGVsbG8"',
    ):
        assert ["one"] == found(client, "/Devices", text), text
    for text in ("rank eq 1", "weight eq 1", "online eq true", 'blob eq "aGVsbG9"'):
        assert [] == found(client, "/Devices", text), text


def test_flt_05_ne_is_everybody_else(people: Client) -> None:
    assert ["bob", "cyd"] == found(people, "/Users", 'userName ne "ADA"')


def test_flt_06_ne_is_not_eq_also_where_nothing_is_assigned(people: Client) -> None:
    assert ["bob", "cyd"] == found(people, "/Users", 'title ne "Dr"')
    assert ["bob", "cyd"] == found(people, "/Users", 'not (title eq "Dr")')


def test_flt_07_ne_of_several_values_is_not_eq_too(people: Client) -> None:
    assert ["bob", "cyd"] == found(people, "/Users", 'not (emails.type eq "work")')
    assert ["bob", "cyd"] == found(people, "/Users", 'emails.type ne "work"')


def test_flt_08_co_sw_and_ew_look_for_parts(people: Client) -> None:
    for text in ('userName co "OB"', 'userName sw "bo"', 'userName ew "Ob"', 'userName sw "bob"'):
        assert ["bob"] == found(people, "/Users", text), text
    for text in ('userName co "bobb"', 'userName sw "ob"', 'userName ew "bo"'):
        assert [] == found(people, "/Users", text), text


def test_flt_09_percent_and_underscore_are_characters(client: Client) -> None:
    client.create_user("a_b", title="100%")
    client.create_user("axb", title="100x")
    assert ["a_b"] == found(client, "/Users", 'title co "100%"')
    assert ["a_b"] == found(client, "/Users", 'userName co "_"')
    assert ["a_b"] == found(client, "/Users", 'userName sw "a_"')


@pytest.mark.parametrize(
    "text", ['online co "t"', "rank co 1", 'seenAt sw "2026"', 'online sw "t"', 'blob ew "a"']
)
def test_flt_10_parts_are_looked_for_in_texts_only(client: Client, text: str) -> None:
    refused(client, text, "/Devices")


def test_flt_11_pr_means_that_there_is_a_value(client: Client) -> None:
    emails = [{"value": "a@x", "type": "work"}]
    client.create_user("ada", active=False, emails=emails, name={"givenName": "A"})
    client.create_user("bob", emails=[{"value": "b@x"}])
    for text in ("name pr", "name.givenName pr", "emails.type pr", "active eq false and active pr"):
        assert ["ada"] == found(client, "/Users", text), text
    assert ["ada", "bob"] == found(client, "/Users", "emails pr")
    create_device(client, rank=0, weight=0)
    assert ["one"] == found(client, "/Devices", "rank pr and weight pr")


def test_flt_12_pr_is_false_for_null_and_nothing(client: Client) -> None:
    created(client.post("/Users", user(title=None, emails=[], name={})))
    for name in ("title", "emails", "name"):
        assert [] == found(client, "/Users", f"{name} pr")


def test_flt_13_order_follows_the_type(client: Client) -> None:
    create_device(client, "a", rank=9, weight=1e3, seenAt="2026-01-31T10:00:00+02:00")
    create_device(client, "b", rank=10, weight=0.5, seenAt="2026-01-31T09:00:00Z")
    assert ["b"] == found(client, "/Devices", "rank gt 9")
    assert ["a", "b"] == found(client, "/Devices", "rank ge 9")
    assert ["b"] == found(client, "/Devices", "weight lt 1e3")
    assert ["a"] == found(client, "/Devices", 'seenAt lt "2026-01-31T09:00:00Z"')
    assert ["a", "b"] == found(client, "/Devices", 'seenAt le "2026-01-31T10:00:00+01:00"')
    assert ["b"] == found(client, "/Devices", 'label gt "a"')
    client.create_user("Ada")
    assert ["Ada"] == found(client, "/Users", 'userName lt "adb"')


@pytest.mark.parametrize("operator", ["gt", "ge", "lt", "le"])
def test_flt_14_booleans_and_binaries_have_no_order(client: Client, operator: str) -> None:
    refused(client, f"active {operator} true")
    refused(client, f'x509Certificates.value {operator} "A"')
    refused(client, f'blob {operator} "AA"', "/Devices")


def test_flt_15_a_text_in_single_quotes_is_refused(people: Client) -> None:
    refused(people, "userName eq 'ada'")


def test_flt_15_a_text_without_quotes_is_understood(people: Client) -> None:
    assert ["ada"] == found(people, "/Users", "userName eq ada")


def test_flt_16_json_escapes_are_understood(client: Client) -> None:
    client.create_user("a", displayName='say "hi" \\o/')
    client.create_user("b", displayName="é😀")
    client.create_user("c", displayName="x\n\t\b\f\ry")
    assert ['say "hi" \\o/'] == [
        each["displayName"]
        for each in query(client, "/Users", filter='displayName eq "say \\"hi\\" \\\\o\\/"').json()[
            "Resources"
        ]
    ]
    for text in ('"\\u00e9\\ud83d\\ude00"', '"é😀"', '"x\\n\\t\\b\\f\\ry"'):
        assert 1 == len(found(client, "/Users", f"displayName eq {text}")), text


def test_flt_17_words_and_brackets_in_a_text_are_text(client: Client) -> None:
    client.create_user("a", title="Equity (A and B) or [C] eq x")
    assert ["a"] == found(client, "/Users", 'title eq "Equity (A and B) or [C] eq x"')


@pytest.mark.parametrize(
    "text",
    ['rank eq "one"', "rank eq true", 'online eq "perhaps"', "online eq 1", "weight gt null"],
)
def test_flt_18_a_value_of_another_type_is_refused(client: Client, text: str) -> None:
    refused(client, text, "/Devices")


def test_flt_18_a_boolean_may_be_a_text(people: Client) -> None:
    assert ["ada"] == found(people, "/Users", 'emails[primary eq "True"]')


def test_flt_19_null_means_unassigned(people: Client) -> None:
    assert ["bob", "cyd"] == found(people, "/Users", "title eq null")
    assert ["ada"] == found(people, "/Users", "title ne null")


def test_flt_20_and_binds_tighter_than_or(people: Client) -> None:
    text = 'userName eq "cyd" or userName eq "ada" and title pr'
    assert ["ada", "cyd"] == found(people, "/Users", text)


def test_flt_21_parentheses_bind_tightest(people: Client) -> None:
    text = '(userName eq "cyd" or userName eq "ada") and title pr'
    assert ["ada"] == found(people, "/Users", text)


def test_flt_22_not_belongs_to_its_parentheses(people: Client) -> None:
    assert ["bob", "cyd"] == found(people, "/Users", "not (title pr)")
    assert ["bob", "cyd"] == found(people, "/Users", "not(title pr)")
    assert ["bob"] == found(people, "/Users", "not (title pr) and emails pr")
    assert ["cyd"] == found(people, "/Users", "not (title pr or emails pr)")


def test_flt_23_not_needs_parentheses(client: Client) -> None:
    refused(client, "not title pr")


def test_flt_24_spare_parentheses_and_spaces_are_fine(people: Client) -> None:
    for text in ("((title pr))", "  title   pr ", "( title pr )"):
        assert ["ada"] == found(people, "/Users", text)


def test_flt_25_any_value_of_several_may_match(people: Client) -> None:
    assert ["ada", "bob"] == found(people, "/Users", 'emails.type eq "home"')


def test_flt_26_several_values_compare_by_their_value(client: Client) -> None:
    member = client.create_user("ada", emails=[{"value": "a@example.com"}])["id"]
    group = client.create_group("g", member)["id"]
    for text in ('emails co "example.com"', 'emails.value co "example.com"'):
        assert ["ada"] == found(client, "/Users", text)
    assert ["g"] == found(client, "/Groups", f'members eq "{member}"')
    assert ["ada"] == found(client, "/Users", f'groups eq "{group}"')
    create_device(client, tags=["red", "blue"])
    assert ["one"] == found(client, "/Devices", 'tags eq "BLUE"')


def test_flt_27_a_single_complex_value_has_to_be_compared_by_a_sub_attribute(
    people: Client,
) -> None:
    refused(people, 'name eq "x"')
    refused(people, 'meta gt "2026-01-01T00:00:00Z"')
    assert ["ada"] == found(people, "/Users", "name pr")


def test_flt_28_brackets_test_one_value_at_a_time(people: Client) -> None:
    text = 'emails[type eq "work" and value eq "a@home.test"]'
    assert [] == found(people, "/Users", text)
    text = 'emails.type eq "work" and emails.value eq "a@home.test"'
    assert ["ada"] == found(people, "/Users", text)


def test_flt_29_brackets_take_the_whole_logic(people: Client) -> None:
    text = 'emails[type eq "work" or (type eq "home" and value sw "b@")]'
    assert ["ada", "bob"] == found(people, "/Users", text)
    assert ["ada", "bob"] == found(people, "/Users", 'emails[not (type eq "work")]')
    text = 'emails[type eq "home" and value sw "a" and not (primary eq true)]'
    assert ["ada"] == found(people, "/Users", text)


def test_flt_30_brackets_do_not_nest(client: Client) -> None:
    refused(client, 'emails[type eq "work" and emails[type eq "x"]]')


def test_flt_31_brackets_combine(people: Client) -> None:
    text = 'emails[type eq "home"] and not (emails[type eq "work"])'
    assert ["bob"] == found(people, "/Users", text)
    assert ["ada"] == found(people, "/Users", "emails[primary eq true] or title pr")


def test_flt_32_brackets_on_a_single_complex_value_test_it(people: Client) -> None:
    assert ["ada"] == found(people, "/Users", 'name[familyName eq "O\'Malley"]')


def test_flt_33_brackets_on_simple_values(client: Client) -> None:
    refused(client, 'userName[value eq "a"]')
    create_device(client, tags=["red"])
    assert ["one"] == found(client, "/Devices", 'tags[value eq "red"]')


def test_flt_34_a_sub_attribute_behind_brackets_is_understood(people: Client) -> None:
    text = 'emails[type eq "work"].value eq "a@work.test"'
    assert ["ada"] == found(people, "/Users", text)
    assert [] == found(people, "/Users", 'emails[type eq "work"].value eq "a@home.test"')


@pytest.mark.parametrize("text", ['foo eq "x"', 'emails.foo eq "x"', "foo pr", "emails[foo pr]"])
def test_flt_35_an_unknown_attribute_is_refused(people: Client, text: str) -> None:
    assert "foo" in refused(people, text)


def test_flt_36_an_unknown_operator_is_named(client: Client) -> None:
    assert "regex" in refused(client, 'userName regex "a"')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "userName",
        "userName eq",
        'userName eq "a',
        "(userName pr",
        "userName pr)",
        "and userName pr",
        "userName pr and",
        'userName eq "a" "b"',
        'userName eq "a" userName pr',
        "emails[",
        "emails[]",
        'eq "a"',
        'userName pr "a"',
        "()",
        'userName eq "\\x"',
        "userName eq \x00",
    ],
)
def test_flt_37_what_does_not_parse_is_refused(people: Client, text: str) -> None:
    answer = search(people, "/Users", filter=text)
    assert_error(answer, 400, "invalidFilter")


def test_flt_38_and_flt_39_qualified_names_are_understood_in_any_case(client: Client) -> None:
    boss = {"manager": {"value": "m"}}
    body = user(name={"familyName": "O'Malley"}, emails=[{"type": "work"}], **{ENTERPRISE: boss})
    created(client.post("/Users", body))
    for text in (
        f'{USER}:userName sw "a"',
        f'{USER}:name.familyName co "O\'Malley"',
        f'{ENTERPRISE}:manager.value eq "m"',
        f'{USER}:emails[type eq "work"]',
        f'{USER.upper()}:userName eq "ada"',
        f'{ENTERPRISE.lower()}:MANAGER.Value eq "m"',
    ):
        assert ["ada"] == found(client, "/Users", text), text


def test_flt_40_another_types_urn_is_refused(people: Client) -> None:
    refused(people, f'{GROUP}:displayName eq "x"')


def test_flt_41_schemas_can_be_filtered(client: Client) -> None:
    client.create_user("bob")
    created(client.post("/Users", user(**{ENTERPRISE: {"department": "d"}})))
    assert ["ada"] == found(client, "/Users", f'schemas eq "{ENTERPRISE}"')


def test_flt_42_common_attributes_can_be_filtered(client: Client) -> None:
    made = created(client.post("/Users", user(externalId="E")))
    moment, location = made["meta"]["lastModified"], made["meta"]["location"]
    for text in (
        f'id eq "{made["id"]}"',
        'externalId eq "E"',
        f'meta.created le "{moment}"',
        f'meta.lastModified ge "{moment}"',
        'meta.resourceType eq "User"',
        f'meta.location eq "{location}"',
    ):
        assert ["ada"] == found(client, "/Users", text), text
    assert [] == found(client, "/Users", f'meta.lastModified gt "{moment}"')


def test_flt_43_moments_compare_whatever_their_offset(client: Client) -> None:
    create_device(client, seenAt="2026-01-31T10:00:00Z")
    assert ["one"] == found(client, "/Devices", 'seenAt eq "2026-01-31T12:00:00.000+02:00"')
    refused(client, 'meta.created gt "yesterday"')


@pytest.mark.parametrize("text", ["password pr", 'password eq "x"'])
def test_flt_44_what_is_never_returned_cannot_be_filtered(client: Client, text: str) -> None:
    refused(client, text)
    for other in ('secret sw "a"', 'ports[pin eq "1"]', "place.badge pr"):
        refused(client, other, "/Devices")


def test_flt_45_a_default_can_be_filtered(client: Client) -> None:
    create_device(client)
    client.create_user("ada")
    assert ["one"] == found(client, "/Devices", 'online eq true and computed eq "c:one"')
    assert ["ada"] == found(client, "/Users", "active eq true")


def test_flt_47_texts_compare_in_normal_form(client: Client) -> None:
    client.create_user("ada", displayName=unicodedata.normalize("NFD", "Åsa"))
    answer = query(
        client, "/Users", filter=f'displayName eq "{unicodedata.normalize("NFC", "Åsa")}"'
    )
    assert 1 == answer.json()["totalResults"]


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(['userName eq "a"'] * 2000),
        "(" * 2000 + "title pr" + ")" * 2000,
        "not (" * 500 + "title pr" + ")" * 500,
        'title eq "' + "x" * 20_000 + '"',
        "emails[" * 500,
    ],
)
def test_flt_48_a_filter_has_limits(client: Client, text: str) -> None:
    start = time.monotonic()
    answer = search(client, "/Users", filter=text)
    assert_error(answer, 400, "invalidFilter")
    assert time.monotonic() - start < 10


def test_flt_49_membership_can_be_filtered(client: Client) -> None:
    member = client.create_user("ada")["id"]
    client.create_user("bob")
    group = client.create_group("g", member)["id"]
    client.create_group("h")
    assert ["g"] == found(client, "/Groups", f'members.value eq "{member}"')
    assert ["g"] == found(client, "/Groups", f'members[value eq "{member}" and type eq "User"]')
    assert ["ada"] == found(client, "/Users", f'groups.value eq "{group}"')
    assert ["ada"] == found(client, "/Users", 'groups.display eq "G"')


def test_flt_49_references_are_filtered_as_they_are_shown(client: Client) -> None:
    thing = created(client.post("/Plainly", {"schemas": ["urn:example:plain"], "thing": "t"}))
    member = client.create_user("ada")["id"]
    group = client.create_group("g", thing["id"], member)
    for each in group["members"]:
        assert ["g"] == found(client, "/Groups", f'members.$ref eq "{each["$ref"]}"')
        assert ["g"] == found(client, "/Groups", f'members[$ref eq "{each["$ref"]}"]')


def test_flt_50_numbers_have_signs_fractions_and_exponents(client: Client) -> None:
    create_device(client, rank=0, weight=1.5)
    for text in ("rank gt -1", "weight eq 1.50", "weight lt 1e3", "weight gt -2.5E-1"):
        assert ["one"] == found(client, "/Devices", text), text


def test_flt_51_custom_types_are_filtered_like_any_other(client: Client) -> None:
    ports = [{"name": "eth0", "number": 1, "kind": "LAN"}, {"name": "eth1", "number": 2}]
    create_device(client, ports=ports, place={"room": "R1", "floor": 2}, tags=["x"])
    for text in (
        'ports[name eq "ETH0" and number eq 1 and kind eq "lan"]',
        "ports.number gt 1",
        'place.room eq "r1" and place.floor ge 2',
        f'{DEVICE}:label eq "one"',
        f'{DEVICE_EXT}:zone eq "Z"',
        "not (note pr)",
        'tags co "X"',
    ):
        assert ["one"] == found(client, "/Devices", text), text
    assert [] == found(client, "/Devices", 'ports[name eq "eth1" and number eq 1]')
    assert ["one"] == listed(client, "/Devices")
