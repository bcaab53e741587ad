"""Groups, and the rules that say which group gives which role."""

from __future__ import annotations

from functools import partial
from itertools import zip_longest
from typing import get_args

from msgspec import field
from starlette.responses import Response

from scim_asgi.admin.page.forms import Form, number_of
from scim_asgi.admin.page.rendering import render, see_other
from scim_asgi.admin.page.versions import (
    Edited,
    Kept,
    is_saved,
    version_of,
    version_screens,
)
from scim_asgi.admin.page.visits import Screen, Visit
from scim_asgi.mapping.errors import MappingError
from scim_asgi.mapping.fields import ROLE
from scim_asgi.mapping.roles import DEFAULT_ROLE, RoleRule, RoleRules
from scim_asgi.provisioning.browse import BrowseCursorUnknown
from scim_asgi.provisioning.people import GroupPage
from scim_asgi.provisioning.roles import entries
from scim_asgi.provisioning.trials import Trial
from scim_asgi.store.selections import MemberFilter

_PAGE = 100


class Edit(Edited, kw_only=True):
    """Rules while they are edited.

    Attributes:
        rules: Group and role of each, in order; blank ones are passed over.
        default: The role of everybody else.
        flaws: What is wrong with each rule, by its number.
        problem: What is wrong besides.
        trial: What saving would do, where that was asked for.
    """

    rules: list[RoleRule]
    default: str = ""
    flaws: dict[int, str] = field(default_factory=dict)
    problem: str = ""
    trial: Trial | None = None

    @property
    def is_wrong(self) -> bool:
        """Whether it cannot be saved."""
        return bool(self.flaws or self.problem)

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return 409 if self.conflict else 422 if self.is_wrong else 200

    def filled(self) -> list[tuple[int, RoleRule]]:
        """Return the rules that are not blank, each with its number."""
        numbered = enumerate(self.rules)
        return [(number, rule) for number, rule in numbered if rule.group or rule.role]

    def whole(self) -> RoleRules:
        """Return what would be saved."""
        rules = tuple(rule for _, rule in self.filled())
        return RoleRules(rules, self.default or None)


KEPT = Kept(
    section="roles",
    title="Groups and roles",
    name="role rules",
    empty="Nothing was ever saved: there have been no rules from the beginning.",
    use_case=lambda visit: visit.runtime.roles,
    lines=lambda rules: entries(rules).items(),
)


async def roles(visit: Visit) -> Response:
    """Show groups and the rules in force."""
    current = await visit.runtime.roles.current(visit.organization_id)
    edited = Edit(rules=[], version=0)
    if current is not None:
        rules = current.rules
        edited = Edit(rules=list(rules.rules), default=rules.default or "", version=current.version)
    return await _page(visit, edited)


async def edit(visit: Visit) -> Response:
    """Do what a button of the form says; only Save changes anything."""
    intent = visit.form.get("intent")
    edited = _edited(visit.form, intent)
    if intent not in ("save", "try"):
        return await _page(visit, edited, is_edited=True)
    try:
        if intent == "save" and await is_saved(KEPT, visit, edited, edited.whole()):
            return see_other(visit.url("roles", done="roles"))
        if intent == "try":
            use_case = visit.runtime.roles
            edited.trial = await use_case.dry_run(visit.organization_id, edited.whole())
    except MappingError as error:
        _blame(edited, error)
    return await _page(visit, edited, is_edited=True)


def _edited(form: Form, intent: str) -> Edit:
    """Return the rules of a form after a button that adds, removes or moves one."""
    pairs = zip_longest(form.all("group"), form.all("role"), fillvalue="")
    rules = [RoleRule(group, role) for group, role in pairs]
    action, _, argument = intent.partition(":")
    number = number_of(argument)
    if action == "add":
        rules.append(RoleRule(argument, ""))
    elif number is not None and number < len(rules):
        _rearrange(rules, number, action)
    return Edit(rules=rules, default=form.get("default"), version=version_of(form))


def _rearrange(rules: list[RoleRule], number: int, action: str) -> None:
    """Take a rule away, or let it change places with the one above or below."""
    other = number + (1 if action == "down" else -1)
    if action == "remove":
        del rules[number]
    elif action in ("up", "down") and 0 <= other < len(rules):
        rules[number], rules[other] = rules[other], rules[number]


def _blame(edited: Edit, error: MappingError) -> None:
    """Note what is wrong at the rules that it is about."""
    rest = []
    for problem in error.problems:
        message = problem.message[:1].upper() + problem.message[1:] + "."
        numbers = [n for n, rule in edited.filled() if rule.group == problem.key]
        free = [number for number in reversed(numbers) if number not in edited.flaws]
        if free:
            edited.flaws[free[0]] = message
        elif problem.key == DEFAULT_ROLE:
            rest.append(f"The role of everybody else: {problem.message}.")
        else:
            rest.append(message)
    edited.problem = " ".join(rest)


async def _page(visit: Visit, edited: Edit, *, is_edited: bool = False) -> Response:
    runtime = visit.runtime
    groups = await _groups(visit)
    override = await runtime.mappings.get(visit.organization_id)
    search, members = visit.query.get("search"), _members(visit)
    return render(
        visit,
        "roles.html",
        edited.status,
        edit=edited,
        rules=edited.rules or [RoleRule("", "")],
        is_edited=is_edited,
        known=sorted(runtime.roles.known or ()),
        groups=groups,
        search=search,
        members=members or "",
        more=groups.next_cursor
        and visit.url("roles", search=search, members=members or "", cursor=groups.next_cursor),
        used=_used(edited),
        is_mapped=any(value.rpartition("}}.")[2].strip() == ROLE for value in override.values()),
        has_roles=runtime.mappings.fields.has(ROLE),
        remapping=await runtime.mappings.status(visit.organization_id),
        versions=await runtime.roles.history(visit.organization_id, limit=1),
    )


async def _groups(visit: Visit) -> GroupPage:
    listed = partial(
        visit.runtime.groups.list,
        visit.organization_id,
        search=visit.query.get("search"),
        members=_members(visit),
        limit=_PAGE,
    )
    try:
        return await listed(cursor=visit.query.get("cursor") or None)
    except BrowseCursorUnknown:
        return await listed()


def _members(visit: Visit) -> MemberFilter | None:
    asked = visit.query.get("members")
    return next((each for each in get_args(MemberFilter) if each == asked), None)


def _used(edited: Edit) -> dict[str, str]:
    """Return the role that each group gives, by its case-folded name."""
    used: dict[str, str] = {}
    for _, rule in edited.filled():
        used.setdefault(rule.group.casefold(), rule.role)
    return used


SCREENS = (
    Screen("GET", "roles", roles),
    Screen("POST", "roles", edit),
    *version_screens(KEPT),
)
