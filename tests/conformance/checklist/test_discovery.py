"""DSC: discovery (RFC 7643 sections 5 to 7, RFC 7644 section 4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import ENTERPRISE, GROUP, USER, Client, assert_error
from tests.conformance.checklist.requests import (
    DEVICE,
    DEVICE_EXT,
    DEVICE_OPT,
    op,
    query,
    read,
    user,
)


def attributes(client: Client, urn: str) -> dict[str, dict[str, Any]]:
    """Return the attributes and sub-attributes that a schema publishes, by path."""
    found = {}
    for attribute in read(client, f"/Schemas/{urn}")["attributes"]:
        found[attribute["name"]] = attribute
        for sub in attribute.get("subAttributes", ()):
            found[f"{attribute['name']}.{sub['name']}"] = sub
    return found


def test_dsc_01_the_configuration_is_one_object(client: Client) -> None:
    config = read(client, "/ServiceProviderConfig")
    assert ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"] == config["schemas"]
    assert f"{client.base_url}/ServiceProviderConfig" == config["meta"]["location"]


def test_dsc_02_the_configuration_says_everything(client: Client) -> None:
    config = read(client, "/ServiceProviderConfig")
    for name in ("patch", "changePassword", "sort", "etag"):
        assert {"supported": True} == config[name]
    assert {"supported": True, "maxOperations": 1000, "maxPayloadSize": 8388608} == config["bulk"]
    assert {"supported": True, "maxResults": 200} == config["filter"]
    assert config["authenticationSchemes"]


def test_dsc_03_an_authentication_scheme_has_a_type_a_name_and_a_description(
    client: Client,
) -> None:
    (scheme,) = read(client, "/ServiceProviderConfig")["authenticationSchemes"]
    assert "oauthbearertoken" == scheme["type"]
    assert scheme["name"]
    assert scheme["description"]


def test_dsc_04_discovery_needs_a_token_too(client: Client) -> None:
    answer = client.get("/ServiceProviderConfig", headers={"Authorization": ""})
    assert_error(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_dsc_05_what_is_advertised_works(client: Client) -> None:
    made = client.create_user("ada")
    path = f"/Users/{made['id']}"
    assert 200 == client.patch(path, op("add", "title", value="T")).status_code
    assert 200 == client.patch(path, op("add", "password", value="p")).status_code
    assert 200 == query(client, "/Users", filter="title pr", sortBy="title").status_code
    assert 304 == client.get(path, headers={"If-None-Match": "*"}).status_code


def test_dsc_06_all_types_and_schemas_are_listed(client: Client) -> None:
    for path, ids in (
        ("/ResourceTypes", {"User", "Group", "Device", "Plain"}),
        (
            "/Schemas",
            {USER, ENTERPRISE, GROUP, DEVICE, DEVICE_EXT, DEVICE_OPT, "urn:example:plain"},
        ),
    ):
        body = read(client, path)
        assert ids == {each["id"] for each in body["Resources"]}
        assert len(ids) == body["totalResults"] == body["itemsPerPage"]
        assert ["urn:ietf:params:scim:api:messages:2.0:ListResponse"] == body["schemas"]


def test_dsc_07_each_is_found_by_its_id(client: Client) -> None:
    for path in ("/ResourceTypes", "/Schemas"):
        for each in read(client, path)["Resources"]:
            assert each == read(client, f"{path}/{each['id']}")
        assert_error(client.get(f"{path}/none"), 404)


def test_dsc_08_other_parameters_are_ignored(client: Client) -> None:
    for path in ("/ResourceTypes", "/Schemas"):
        parameters = "startIndex=2&count=1&attributes=name&sortBy=id"
        assert read(client, path) == read(client, f"{path}?{parameters}")


@pytest.mark.parametrize("path", ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"])
def test_dsc_09_a_filter_is_403(client: Client, path: str) -> None:
    assert_error(query(client, path, filter='id eq "x"'), 403)


def test_dsc_10_and_dsc_11_a_resource_type_leads_to_its_endpoint_and_schemas(
    client: Client,
) -> None:
    for each in read(client, "/ResourceTypes")["Resources"]:
        assert ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"] == each["schemas"]
        assert each["id"] == each["name"]
        assert 200 == client.get(each["endpoint"]).status_code
        assert each["schema"] == read(client, f"/Schemas/{each['schema']}")["id"]
        for extension in each["schemaExtensions"]:
            assert {"schema", "required"} == extension.keys()
            read(client, f"/Schemas/{extension['schema']}")
        assert "ResourceType" == each["meta"]["resourceType"]
        assert each["meta"]["location"].endswith(f"/ResourceTypes/{each['id']}")


def test_dsc_12_every_schema_of_a_resource_is_published(client: Client) -> None:
    extension = {ENTERPRISE: {"department": "d"}}
    made = client.post("/Users", user(**extension)).json()
    for urn in made["schemas"]:
        read(client, f"/Schemas/{urn}")


def test_dsc_13_attribute_definitions_are_whole(client: Client) -> None:
    for schema in read(client, "/Schemas")["Resources"]:
        for attribute in schema["attributes"]:
            for each in (attribute, *attribute.get("subAttributes", ())):
                common = {"name", "type", "multiValued", "description", "required"}
                assert common | {"mutability", "returned"} <= each.keys()
                assert ("uniqueness" in each) == (each["type"] != "complex")
                assert "caseExact" not in each or each["type"] != "complex"
                assert None not in each.values()
            for sub in attribute.get("subAttributes", ()):
                assert sub["type"] != "complex"


@pytest.mark.parametrize(
    ("urn", "path", "expected"),
    [
        (USER, "userName", {"required": True, "caseExact": False, "uniqueness": "server"}),
        (USER, "password", {"mutability": "writeOnly", "returned": "never"}),
        (USER, "groups", {"mutability": "readOnly", "multiValued": True}),
        (USER, "groups.value", {"mutability": "readOnly", "caseExact": True}),
        (USER, "groups.$ref", {"type": "reference", "referenceTypes": ["Group"]}),
        (USER, "groups.type", {"canonicalValues": ["direct", "indirect"]}),
        (USER, "active", {"type": "boolean"}),
        (USER, "profileUrl", {"type": "reference", "caseExact": True}),
        (USER, "emails.type", {"canonicalValues": ["work", "home", "other"]}),
        (USER, "photos.value", {"type": "reference", "referenceTypes": ["external"]}),
        (USER, "x509Certificates.value", {"type": "binary", "caseExact": True}),
        (USER, "addresses.primary", {"type": "boolean"}),
        (GROUP, "displayName", {"required": True, "type": "string"}),
        (GROUP, "members.value", {"mutability": "immutable", "caseExact": True}),
        (GROUP, "members.$ref", {"mutability": "immutable", "referenceTypes": ["User", "Group"]}),
        (GROUP, "members.type", {"mutability": "immutable"}),
        (ENTERPRISE, "manager.value", {"caseExact": True, "required": False}),
        (ENTERPRISE, "manager.$ref", {"referenceTypes": ["User"]}),
        (ENTERPRISE, "manager.displayName", {"mutability": "readOnly"}),
        (DEVICE, "label", {"returned": "always", "caseExact": True, "uniqueness": "server"}),
        (DEVICE, "serial", {"mutability": "immutable", "uniqueness": "global"}),
        (DEVICE, "weight", {"type": "decimal"}),
        (DEVICE, "ports.pin", {"mutability": "writeOnly", "returned": "never"}),
    ],
)
def test_dsc_13_definitions_are_those_of_the_rfc_and_its_errata(
    client: Client, urn: str, path: str, expected: dict[str, Any]
) -> None:
    assert expected.items() <= attributes(client, urn)[path].items()


def test_dsc_13_the_user_has_every_attribute_of_the_rfc(client: Client) -> None:
    names = {name for name in attributes(client, USER) if "." not in name}
    assert names == {
        "userName",
        "name",
        "displayName",
        "nickName",
        "profileUrl",
        "title",
        "userType",
        "preferredLanguage",
        "locale",
        "timezone",
        "active",
        "password",
        "emails",
        "phoneNumbers",
        "ims",
        "photos",
        "addresses",
        "groups",
        "entitlements",
        "roles",
        "x509Certificates",
    }


def test_dsc_14_messages_are_not_listed(client: Client) -> None:
    for each in read(client, "/Schemas")["Resources"]:
        assert not each["id"].startswith("urn:ietf:params:scim:api")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/ServiceProviderConfig",
        "/Schemas",
        "/ResourceTypes",
        f"/Schemas/{USER}",
        "/ResourceTypes/User",
    ],
)
def test_dsc_15_discovery_is_read_only(client: Client, method: str, path: str) -> None:
    before = read(client, path)
    answer = client.send(method, path, {"schemas": []})
    assert_error(answer, 405)
    assert "GET, HEAD" == answer.headers["allow"]
    assert before == read(client, path)


def test_dsc_16_head_and_options_do_no_harm(client: Client) -> None:
    assert 200 == client.send("HEAD", "/ServiceProviderConfig").status_code
    assert_error(client.send("OPTIONS", "/"), 405)


def test_dsc_17_paging_by_cursor_is_advertised(client: Client) -> None:
    assert read(client, "/ServiceProviderConfig")["pagination"]["cursor"] is True


def test_dsc_18_an_endpoint_is_found_in_any_case_and_by_no_other_name(client: Client) -> None:
    assert client.get("/Users").json() == client.get("/users").json()
    assert_error(client.get("/User"), 404)
