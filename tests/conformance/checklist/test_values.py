"""USR, I18: values of Users and Groups, and text in any language (RFC 7643 section 4, RFC 8265)."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from tests.client import ENTERPRISE, Client, assert_error, created
from tests.conformance.checklist.requests import found, listed, op, patched, query, read, user


def test_usr_01_a_user_name_is_unique_among_users_only(client: Client) -> None:
    client.create_user("ada")
    client.create_group("ada")


def test_usr_02_a_user_name_is_found_in_any_case(client: Client) -> None:
    client.create_user("alice")
    assert ["alice"] == found(client, "/Users", 'userName eq "ALICE"')


def test_usr_03_an_email_address_is_found_in_any_case(client: Client) -> None:
    made = created(client.post("/Users", user(emails=[{"value": "a@EXAMPLE.COM"}])))
    assert "a@EXAMPLE.COM" == made["emails"][0]["value"]
    for address in ("a@example.com", "A@Example.com"):
        assert ["ada"] == found(client, "/Users", f'emails.value eq "{address}"')


def test_usr_04_a_country_is_stored_as_it_comes(client: Client) -> None:
    made = created(client.post("/Users", user(addresses=[{"country": "USA"}])))
    assert [{"country": "USA"}] == made["addresses"]


def test_usr_05_groups_of_a_user_change_through_groups_only(client: Client) -> None:
    made = created(client.post("/Users", user(groups=[{"value": "g"}])))
    assert "groups" not in made
    path = f"/Users/{made['id']}"
    for kind in ("add", "replace"):
        answer = client.patch(path, op(kind, "groups", value=[{"value": "g"}]))
        assert_error(answer, 400, "mutability")
    assert "groups" not in read(client, path)
    group = client.create_group("g", made["id"])
    (shown,) = read(client, path)["groups"]
    assert (group["id"], group["meta"]["location"], "g", "direct") == (
        shown["value"],
        shown["$ref"],
        shown["display"],
        shown["type"],
    )
    answer = client.patch(path, op("replace", "groups", value=[{"value": "other"}]))
    assert_error(answer, 400, "mutability")


def test_usr_06_a_circle_of_groups_is_no_trouble(client: Client) -> None:
    first = client.create_group("a")["id"]
    second = client.create_group("b", first)["id"]
    patched(client, f"/Groups/{first}", op("add", "members", value=[{"value": second}]))
    member = client.create_user("ada")["id"]
    patched(client, f"/Groups/{first}", op("add", "members", value=[{"value": member}]))
    assert [first] == [each["value"] for each in read(client, f"/Users/{member}")["groups"]]


def test_usr_07_a_password_is_nowhere_to_be_seen(client: Client) -> None:
    path = "/Users/" + created(client.post("/Users", user(password="correct horse")))["id"]
    answers = [
        client.get(path),
        client.send("PUT", path, user(password="battery staple")),
        client.patch(path, op("replace", "password", value="correct battery")),
        client.patch(path, op("replace", value={"password": "staple"})),
        client.get(f"{path}?attributes=password"),
        client.patch(path, op("replace", "password", value={"a": "correct"})),
        client.get("/Users"),
    ]
    for answer in answers:
        for secret in ("correct", "battery", "staple"):
            assert secret not in answer.text


def test_usr_09_an_inactive_user_is_still_there(client: Client) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    assert patched(client, path, op("replace", "active", value=False))["active"] is False
    assert ["ada"] == listed(client, "/Users")
    assert ["ada"] == found(client, "/Users", "active eq false")


@pytest.mark.parametrize("value", ["-----BEGIN CERTIFICATE-----", "@@", 5])
def test_usr_10_a_certificate_is_base64(client: Client, value: Any) -> None:
    answer = client.post("/Users", user(x509Certificates=[{"value": value}]))
    assert_error(answer, 400, "invalidValue")
    good = user(x509Certificates=[{"value": "MIIB"}])
    assert "MIIB" == created(client.post("/Users", good))["x509Certificates"][0]["value"]


@pytest.mark.parametrize("member", [{}, {"display": "x"}, {"value": ""}, {"value": 5}, 5])
def test_usr_11_a_member_has_a_value(client: Client, member: Any) -> None:
    body = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "g",
        "members": [member],
    }
    answer = client.post("/Groups", body)
    assert_error(answer, 400, "invalidValue")
    assert [] == listed(client, "/Groups")


def test_usr_12_the_server_says_what_a_member_is(client: Client) -> None:
    member = client.create_user("ada", displayName="Ada L")
    group = client.create_group("g")
    wrong = {"value": member["id"], "$ref": "https://elsewhere/x", "type": "Group"}
    path = f"/Groups/{group['id']}"
    (shown,) = patched(client, path, op("add", "members", value=[wrong]))["members"]
    assert {"value": member["id"], "$ref": member["meta"]["location"], "type": "User"} == shown
    (shown,) = read(client, f"{path}?attributes=members.display")["members"]
    assert {"display": "Ada L"} == shown


def test_usr_13_a_manager_is_a_value(client: Client) -> None:
    boss = client.create_user("boss")["id"]
    made = created(client.post("/Users", user(**{ENTERPRISE: {"manager": {"value": boss}}})))
    assert boss == made[ENTERPRISE]["manager"]["value"]
    assert ["ada"] == found(client, "/Users", f'{ENTERPRISE}:manager.value eq "{boss}"')
    assert ["ada"] == found(client, "/Users", f'manager eq "{boss}"')


def test_i18_01_user_names_compare_in_any_case_and_normal_form(client: Client) -> None:
    name = unicodedata.normalize("NFC", "jürgen")
    client.create_user(name)
    other = unicodedata.normalize("NFD", "JÜRGEN")
    assert_error(client.post("/Users", user(userName=other)), 409, "uniqueness")
    for text in (name, other):
        assert [name] == found(client, "/Users", f'userName eq "{text}"')


def test_i18_02_full_width_forms_are_the_same_letters(client: Client) -> None:
    client.create_user("alice")
    assert_error(client.post("/Users", user(userName="ａｌｉｃｅ")), 409, "uniqueness")


def test_i18_03_sharp_s_is_the_same_for_filters_and_uniqueness(client: Client) -> None:
    client.create_user("straße")
    assert_error(client.post("/Users", user(userName="STRASSE")), 409, "uniqueness")
    assert ["straße"] == found(client, "/Users", 'userName eq "strasse"')


def test_i18_04_case_depends_on_no_language(client: Client) -> None:
    client.create_user("istanbul")
    client.create_user("Οδυσσεύς")
    assert ["istanbul"] == found(client, "/Users", 'userName eq "ISTANBUL"')
    assert ["Οδυσσεύς"] == found(client, "/Users", 'userName eq "ΟΔΥΣΣΕΎΣ"')


@pytest.mark.parametrize("name", ["a\x00b", "a\u200bb", "a\u202eb", "a\x07", "a\u00adb", "a\ue000"])
def test_i18_06_a_user_name_has_no_invisible_characters(client: Client, name: str) -> None:
    assert "userName" in assert_error(
        client.post("/Users", user(userName=name)), 400, "invalidValue"
    )
    path = f"/Users/{client.create_user('ada')['id']}"
    answer = client.patch(path, op("replace", "userName", value=name))
    assert_error(answer, 400, "invalidValue")


def test_i18_07_text_beyond_the_basic_plane_comes_back(client: Client) -> None:
    answer = client.post("/Users", user(displayName="👩‍🚀 名前 é"))
    assert "👩‍🚀 名前 é" == answer.json()["displayName"]
    assert len(answer.content) == int(answer.headers["content-length"])


def test_i18_08_languages_and_time_zones_are_not_judged(client: Client) -> None:
    attributes = {
        "preferredLanguage": "en-US,en;q=0.7",
        "locale": "de_DE",
        "timezone": "America/Los_Angeles",
    }
    assert attributes.items() <= created(client.post("/Users", user(**attributes))).items()


def test_i18_09_sorting_is_caseless_and_depends_on_no_language(client: Client) -> None:
    for name in ("Zoo", "Äpfel", "apfel", "Birne"):
        client.create_user(name)
    assert ["apfel", "Birne", "Zoo", "Äpfel"] == listed(client, "/Users", sortBy="userName")


def test_i18_10_filter_texts_are_normalised_like_stored_ones(client: Client) -> None:
    name = {"familyName": unicodedata.normalize("NFD", "Åström")}
    client.create_user("ada", name=name)
    text = unicodedata.normalize("NFC", "Åström")
    assert ["ada"] == found(client, "/Users", f'name.familyName eq "{text}"')
    assert (
        200 == query(client, "/Users", filter='name.familyName eq "\\u00c5str\\u00f6m"').status_code
    )
