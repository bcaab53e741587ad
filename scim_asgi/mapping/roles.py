"""Roles from groups, without an expression: an ordered list of rules, the first match wins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from scim_asgi.mapping.attempts import TAKEN, Attempt, shown
from scim_asgi.mapping.errors import MappingError, MappingProblem
from scim_asgi.mapping.fields import ROLE, AccountFields, Misfit
from scim_asgi.protocol.comparison import fold

MAX_RULES = 1000
"""How many rules an organization has at most."""

MAX_NAME = 1000
"""How many characters the name of a group or of a role has at most."""

DEFAULT_ROLE = "default role"


class RoleRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Whoever is in a group gets a role.

    Attributes:
        group: The group's displayName, in any case.
        role: The role.
    """

    group: str
    role: str


class RoleRules(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The role rules of an organization, used where its mapping has no `organization_role`.

    Attributes:
        rules: In order of preference: the first one that matches wins.
        default: The role of whoever matches none, and in the place of a role that the product
            does not know; None for no role.
    """

    rules: tuple[RoleRule, ...] = ()
    default: str | None = None

    def __bool__(self) -> bool:
        return bool(self.rules) or self.default is not None


class RolePolicy:
    """The rules of an organization, and the roles that the host knows.

    Args:
        rules: The rules.
        known: The roles; None where the host has not declared any.
    """

    def __init__(self, rules: RoleRules, known: frozenset[str] | None) -> None:
        self.has_rules = bool(rules)
        self._rules = [(fold(rule.group), rule) for rule in rules.rules]
        self._default = rules.default
        self._known = known

    def knows(self, role: Any) -> bool:
        """Return whether a role may be passed on."""
        if self._known is None:
            return True
        roles = role if isinstance(role, list) else [role]
        return all(isinstance(each, str) and each in self._known for each in roles)

    def of_groups(self, groups: Iterable[dict[str, Any]]) -> Any:
        """Return the role that a member of these groups gets, UNSET for none.

        Raises:
            Misfit: It is none that the host knows; :meth:`from_groups` says what follows.
        """
        names = {fold(str(name)) for group in groups if (name := group.get("displayName"))}
        for folded, rule in self._rules if names else ():
            if folded in names:
                return self.known(rule.role)
        is_given = self._default is not None and self.knows(self._default)
        return self._default if is_given else UNSET

    def known(self, role: Any) -> Any:
        """Return a role that may be passed on.

        Raises:
            Misfit: It may not.
        """
        if not self.knows(role):
            msg = "it is none of the product's roles"
            raise Misfit(msg)
        return role

    def from_groups(self, groups: Iterable[dict[str, Any]]) -> Iterator[Attempt]:
        """Yield what each rule gives to a member of these groups, and then the default role."""
        names = {fold(str(name)): name for group in groups if (name := group.get("displayName"))}
        is_taken = False
        for folded, rule in self._rules:
            held = names.get(folded)
            attempt = Attempt(key=f'role rule "{rule.group}"', held=held, value=rule.role)
            if held is None:
                yield replace(attempt, lost="the person is not in this group")
            elif is_taken:
                yield replace(attempt, lost=TAKEN)
            else:
                is_taken = True
                yield from self.checked(attempt, f'the group "{held}"')
        if not is_taken:
            yield from self._fallback()

    def checked(self, attempt: Attempt, origin: str) -> Iterator[Attempt]:
        """Yield an attempt that gives a role, or why it does not and the default role instead.

        Args:
            attempt: The attempt.
            origin: What the role comes from, in words.
        """
        if self.knows(attempt.value):
            yield attempt
            return
        instead = list(self._fallback())
        passed = f'"{self._default}" is passed on instead' if instead else "no role is passed on"
        known = ", ".join(sorted(self._known or ()))
        note = f'"{attempt.value}" from {origin} is none of the roles {known}; {passed}'
        yield replace(attempt, lost="it is none of the product's roles", note=note)
        yield from instead

    def _fallback(self) -> Iterator[Attempt]:
        if self._default is not None and self.knows(self._default):
            yield Attempt(key=DEFAULT_ROLE, value=self._default)


def origin_of(attempt: Attempt, groups: Iterable[dict[str, Any]]) -> str:
    """Return in words where a mapped role comes from: the groups, or the path and what it holds."""
    held = attempt.held if isinstance(attempt.held, list) else [attempt.held]
    names = [
        group["displayName"] for group in groups if {group["displayName"], group["value"]} & {*held}
    ]
    if names and attempt.key.casefold().startswith("groups"):
        return f"the group {' and '.join(map(shown, names))}"
    return f'"{attempt.key}", which holds {shown(attempt.held)}'


def check_rules(rules: RoleRules, fields: AccountFields[Any], known: frozenset[str] | None) -> None:
    """Check role rules before they are saved.

    Raises:
        MappingError: They cannot be used; every problem is named by its group.
    """
    problems = []
    if rules and not fields.has(ROLE):
        problems.append(MappingProblem(ROLE, "the account type has no such field"))
    if len(rules.rules) > MAX_RULES:
        problems.append(MappingProblem("", f"there are more than {MAX_RULES} rules"))
    policy, seen = RolePolicy(RoleRules(), known), set[str]()
    named = [(rule.group, rule.role) for rule in rules.rules[:MAX_RULES]]
    if rules.default is not None:
        named.append((DEFAULT_ROLE, rules.default))
    for position, (group, role) in enumerate(named):
        is_default = position == len(rules.rules)
        message = _problem(role, fields, policy, known)
        if not is_default and not group.strip():
            message = "a rule needs the name of a group"
        elif len(group) > MAX_NAME:
            group, message = f"{group[:80]}…", f"the group has more than {MAX_NAME} characters"
        elif not is_default and fold(group) in seen:
            message = "the group is there twice; the second rule would never be used"
        seen.add(fold(group))
        if message is not None:
            problems.append(MappingProblem(group, message))
    if problems:
        raise MappingError(tuple(problems))


def _problem(
    role: str, fields: AccountFields[Any], policy: RolePolicy, known: frozenset[str] | None
) -> str | None:
    if not role.strip():
        return "the role is empty"
    if len(role) > MAX_NAME:
        return f"the role has more than {MAX_NAME} characters"
    if not policy.knows(role):
        return f'"{role}" is none of the product\'s roles: {", ".join(sorted(known or ()))}'
    try:
        fields.convert(ROLE, role)
    except Misfit as error:
        return str(error)
    return None
