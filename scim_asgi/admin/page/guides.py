"""What the set-up wizard says for each directory, in that directory's own words.

Names are those that the consoles showed in November 2026; ``**`` marks them.
"""

from __future__ import annotations

from msgspec import Struct


class Guide(Struct, frozen=True, kw_only=True):
    """The way through one directory's console.

    Attributes:
        key: Its name in addresses, and in what the server detects.
        name: Its name.
        blurb: What is special about it, in a few words.
        before: What to know before one begins.
        open: Where the settings are: one step each.
        url_field: What the field for the base URL is called.
        token_field: What the field for the token is called.
        flag: What is put behind the base URL.
        settings: Further fields, and what goes into them.
        test: What to press for the test call.
        call: What the test call does.
        attributes: What to look at in the directory's own mapping.
        groups: How groups are sent; empty where they are not.
        person: How to send one test person.
        everybody: How to send everybody, and when they arrive.
        troubles: What may be seen there, and what to do.
    """

    key: str
    name: str
    blurb: str
    open: tuple[str, ...]
    url_field: str
    token_field: str
    test: str
    call: str
    person: str
    everybody: str
    before: tuple[str, ...] = ()
    flag: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    attributes: tuple[str, ...] = ()
    groups: str = ""
    troubles: tuple[tuple[str, str], ...] = ()


_TOKEN = (
    "401, or “invalid credentials”",
    (
        "The token was mistyped, cut or revoked. Paste it whole and without “Bearer”, or issue "
        "another one above."
    ),
)
_PATH = (
    "404, or “not found”",
    "The address differs from the one above. Paste it as it stands, without /Users behind it.",
)
_FIREWALL = (
    "A web page instead of an answer",
    (
        "A login page, a redirect or a firewall is in the way. Ask the operator of the product to run "
        "“scim-asgi check”."
    ),
)

ENTRA = Guide(
    key="entra",
    name="Microsoft Entra ID",
    blurb="formerly Azure Active Directory",
    before=("You need the role **Application Administrator**, or one that includes it.",),
    open=(
        "Open the **Microsoft Entra admin center**, then **Enterprise applications**.",
        (
            "Open the application of this product, or make one: **New application**, **Create your "
            "own application**, **Integrate any other application you don't find in the gallery**."
        ),
        "Open **Provisioning**, then **Get started** or **Connect your application**.",
    ),
    url_field="Tenant URL",
    token_field="Secret Token",  # noqa: S106 - what the field is called
    flag="?aadOptscim062020",
    settings=(("Provisioning Mode, where it is asked for", "Automatic"),),
    test="Press **Test Connection**, then **Save**.",
    call="Entra looks for a user and a group that cannot exist. Nothing is created.",
    attributes=(
        (
            "Leave **Provision Microsoft Entra ID Users** and **Provision Microsoft Entra ID Groups** "
            "on, with their default mappings."
        ),
        "Keep **active**: without it, Entra deletes people instead of disabling them.",
        (
            "Worth a change: map **externalId** from **objectId**, by which people who come back are "
            "recognised."
        ),
    ),
    groups="Assign the groups themselves under **Users and groups**. Entra does not resolve "
    "nested groups.",
    person="Under **Users and groups**, assign one test person. Then choose **Provision on "
    "demand** and pick the person.",
    everybody="Assign everybody else and set **Provisioning Status** to **On**. Entra then sends "
    "what has changed about every 40 minutes.",
    troubles=(
        _TOKEN,
        _PATH,
        _FIREWALL,
        (
            "“Service unavailable”",
            "The product or its proxy was not reachable. Try again, then ask its operator.",
        ),
    ),
)

OKTA = Guide(
    key="okta",
    name="Okta",
    blurb="private and catalogue applications",
    before=(
        "The address must begin with https and have no underscore in it; Okta takes no others.",
    ),
    open=(
        "In the Okta admin console open **Applications**, and the application of this product.",
        (
            "On the tab **General**, press **Edit** beside **App Settings**, set **Provisioning** to "
            "**SCIM**, and **Save**."
        ),
        "Open the tab **Provisioning**, **Integration**, **Edit**.",
    ),
    url_field="SCIM connector base URL",
    token_field="Authorization (HTTP Header)",  # noqa: S106 - what the field is called
    settings=(
        ("Unique identifier field for users", "userName"),
        (
            "Supported provisioning actions",
            "Push New Users, Push Profile Updates, Push Groups",
        ),
        ("Authentication Mode", "HTTP Header"),
    ),
    test="Press **Test Connector Configuration**, then **Save**.",
    call="Okta reads the first two users. An empty list is fine.",
    attributes=(
        (
            "Under **To App**, **Edit**: tick **Create Users**, **Update User Attributes** and "
            "**Deactivate Users**."
        ),
        "The default attribute mappings fit.",
    ),
    groups="On **Push Groups**, find groups by name or by rule. Assigning a group sends its "
    "people; only pushing it sends the group itself.",
    person="On **Assignments**, **Assign to People**, choose one test person.",
    everybody="Assign the groups. Okta sends changes as they happen.",
    troubles=(
        _TOKEN,
        (
            "The address is refused before anything is sent",
            "It has an underscore, or begins with http. The product needs another host name.",
        ),
        _PATH,
        _FIREWALL,
    ),
)

GOOGLE = Guide(
    key="google",
    name="Google Workspace",
    blurb="catalogue applications",
    before=(
        (
            "Google provisions applications of its own catalogue only. Groups are not sent, so roles "
            "come from an attribute."
        ),
    ),
    open=(
        "As a super administrator open the Google Admin console, **Apps**, **Web and mobile apps**.",
        (
            "Open the application of this product, or **Add app**, **Search for apps**, and finish "
            "its sign-on first."
        ),
        "Open **Autoprovisioning**, **Configure autoprovisioning**.",
    ),
    url_field="Endpoint URL",
    token_field="Access token",  # noqa: S106 - what the field is called
    settings=(
        ("App attributes", "leave the defaults"),
        ("Provisioning scope", "one group with one test person, at first"),
    ),
    test="Finish the dialog and set **Autoprovisioning** to active.",
    call="Google reads the list of users. An empty list is fine.",
    attributes=("Attributes with an asterisk have to be mapped.",),
    person="Put one test person into the group of the scope, and set the application **ON** for "
    "the person under **User access**.",
    everybody="Widen the scope. Google may take a few hours for the first run.",
    troubles=(
        _TOKEN,
        _PATH,
        (
            "There is no Autoprovisioning",
            "It is a custom SAML application. Only those of the catalogue have it.",
        ),
        _FIREWALL,
    ),
)

RIPPLING = Guide(
    key="rippling",
    name="Rippling",
    blurb="custom applications",
    open=(
        (
            "In the admin dashboard open **IT**, **Third-Party Access**, **Add Integration**, "
            "**Create New Custom Integration**, or **Custom App**, **Create New App**."
        ),
        "Give it a name and a category, and tick **User Management via SCIM**.",
    ),
    url_field="SCIM Base URL",
    token_field="Bearer Token",  # noqa: S106 - what the field is called
    settings=(
        ("SCIM version", "2.0"),
        ("SCIM Authorization Method", "Bearer Token"),
        ("Supports Groups, Create & Delete Groups", "tick"),
        ("Supports Pagination", "tick; else only the first page is read"),
        ("Use PATCH to edit Groups", "tick"),
        (
            "Supported SCIM Attributes",
            "userName, externalId, emails.primary, name.givenName, name.familyName",
        ),
    ),
    test="Install the application and paste the token when it is asked for.",
    call="Rippling reads what this server can do, and looks people up.",
    attributes=(
        "**userName** has to be among the supported attributes.",
        "Under **Attribute Mappings** choose **On user creation and updates**.",
    ),
    groups="Groups are sent once **Supports Groups** is ticked.",
    person="Let the **App Access Rules** name one test person.",
    everybody="Widen the rules. Rippling follows the dates of the personnel file.",
    troubles=(_TOKEN, _PATH, _FIREWALL),
)

ONELOGIN = Guide(
    key="onelogin",
    name="OneLogin",
    blurb="SCIM Provisioner connectors",
    open=(
        (
            "In the OneLogin administration open **Applications**, **Add App**, and choose a "
            "connector named **SCIM Provisioner with SAML (SCIM v2 …)**."
        ),
        "Open the tab **Configuration**.",
    ),
    url_field="SCIM Base URL",
    token_field="SCIM Bearer Token",  # noqa: S106 - what the field is called
    settings=(
        ("Custom Headers", "Content-Type: application/scim+json"),
        (
            "SCIM JSON Template",
            "keep userName, both names, emails and active",
        ),
    ),
    test="Press **Enable** beside **API Status**, then **Save**.",
    call="OneLogin looks up a name that does not exist. An empty list is fine.",
    attributes=("What is sent of a person is what the **SCIM JSON Template** says.",),
    groups="On **Parameters**, open **Groups** and tick **Include in User Provisioning**; a rule "
    "then says who is in which.",
    person="On **Provisioning**, tick **Enable provisioning**. Under **Users**, give one test "
    "person the application, and approve what is pending.",
    everybody="Give the application to a role. Changes may wait for an approval.",
    troubles=(_TOKEN, _PATH, _FIREWALL),
)

JUMPCLOUD = Guide(
    key="jumpcloud",
    name="JumpCloud",
    blurb="custom SCIM identity management",
    before=(
        (
            "The test creates a user and a group, changes both and deletes them. So for a moment "
            "somebody unknown appears in the product."
        ),
    ),
    open=(
        (
            "In the JumpCloud admin portal open **SSO Applications**, and the application of this "
            "product."
        ),
        "Open the tab **Identity Management**, **Configuration settings**, and choose **SCIM 2.0**.",
    ),
    url_field="Base URL",
    token_field="Token Key",  # noqa: S106 - what the field is called
    settings=(("Test User Email", "an address that nobody in the product has"),),
    test="Press **Test Connection**, then **Activate**.",
    call="JumpCloud creates a test user and a test group, and deletes both again.",
    groups="Tick **Enable management of User Groups and Group Membership in this application**.",
    person="On **User Groups**, tick a group with one test person in it.",
    everybody="Tick the other groups. JumpCloud sends changes as they happen.",
    troubles=(_TOKEN, _PATH, _FIREWALL),
)

OTHER = Guide(
    key="other",
    name="Another directory",
    blurb="anything that speaks SCIM 2.0",
    open=(
        "Open the settings for provisioning, or SCIM, of the application of this product.",
        "Choose SCIM 2.0, and a bearer token as the way to authenticate.",
    ),
    url_field="Base URL, SCIM endpoint",
    token_field="Bearer token, API token",  # noqa: S106 - what the field is called
    test="Press the button that tests the connection, or save.",
    call="Most directories read the list of users, or look for one who cannot exist.",
    attributes=(
        "Send at least **userName**, both names, an e-mail address and **active**.",
        "Send an **externalId** that never changes, if there is one.",
    ),
    groups="Switch groups on, if roles are to come from them.",
    person="Give the application to one test person.",
    everybody="Give the application to everybody else.",
    troubles=(_TOKEN, _PATH, _FIREWALL),
)

GUIDES = {guide.key: guide for guide in (ENTRA, OKTA, GOOGLE, RIPPLING, ONELOGIN, JUMPCLOUD, OTHER)}
