"""Who may do what, as a table that an auditor reads; a change of the roles must be made here too, on purpose."""

from __future__ import annotations

import pytest

from core.access import INSTALLER, ROLE_PERMISSIONS, WORKER, Actor, Permission, Role, parse_roles
from core.errors import Denied, InputError

ORDER = ("administrator", "engineer", "legal_lead", "clinical_lead", "release_manager", "auditor", "reviewer")
TABLE = """
                      administrator  engineer  legal_lead  clinical_lead  release_manager  auditor  reviewer
    user:manage             x
    project:manage          x                                                    x
    model:register                       x
    model:clear                                    x
    asset:register                       x
    persons:declare                      x         x             x
    consent:record                                 x             x
    attestation:make                               x             x               x
    protocol:approve                                             x
    task:decide                                                  x
    review:assign                                                x               x
    review:write                                    x            x                                      x
    review:adjudicate                                            x
    job:submit                           x
    job:cancel                           x                                       x
    job:work                x            x
    evaluation:run                       x
    release:propose                      x                                       x
    release:sign                                   x             x               x
    release:export                                                               x
    report:make                          x         x             x               x              x
    audit:checkpoint        x                                                                   x
"""


def read_table() -> dict[str, set[str]]:
    head, *lines = [line for line in TABLE.splitlines() if line.strip()]
    spans = [(head.index(role), head.index(role) + len(role), role) for role in ORDER]
    allowed = {}
    for line in lines:
        places = [place for place, character in enumerate(line) if character == "x" and place > 21]
        allowed[line.split()[0]] = {role for at in places for start, end, role in spans if start <= at < end}
    return allowed


def actor(role: str) -> Actor:
    return Actor("usr_1", "Somebody", frozenset({Role(role)}))


def test_the_table_names_every_permission_and_role():
    assert set(read_table()) == {permission.value for permission in Permission}
    assert set(ORDER) == {role.value for role in Role}


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("role", ORDER)
def test_a_role_may_exactly_what_the_table_says(role: str, permission: Permission):
    assert actor(role).may(permission) == (role in read_table()[permission])


@pytest.mark.parametrize("permission", list(Permission))
def test_somebody_without_a_role_may_nothing_and_is_told_whom_to_ask(permission: Permission):
    nobody = Actor("usr_1", "Somebody", frozenset())
    with pytest.raises(Denied) as error:
        nobody.require(permission)
    assert all(role.replace("_", " ") in str(error.value) for role in read_table()[permission])


def test_several_roles_add_up():
    both = Actor("usr_1", "Somebody", frozenset({Role.ENGINEER, Role.AUDITOR}))
    assert both.may(Permission.JOB_SUBMIT)
    assert both.may(Permission.AUDIT_CHECKPOINT)
    assert not both.may(Permission.RELEASE_SIGN)


@pytest.mark.parametrize("system", [WORKER, INSTALLER], ids=lambda system: system.id)
@pytest.mark.parametrize("permission", [Permission.RELEASE_SIGN, Permission.RELEASE_EXPORT, Permission.ATTEST])
def test_the_system_itself_can_neither_sign_nor_export(system: Actor, permission: Permission):
    assert not system.may(permission)


def test_no_role_can_both_submit_and_approve():
    assert not any({Permission.JOB_SUBMIT, Permission.RELEASE_SIGN} <= held for held in ROLE_PERMISSIONS.values())


def test_roles_are_read_by_name():
    assert parse_roles(["engineer", "auditor", "engineer"]) == {Role.ENGINEER, Role.AUDITOR}


def test_an_unknown_role_is_told_with_those_that_exist():
    with pytest.raises(InputError, match=r"'director' is not a role; use one of administrator, auditor"):
        parse_roles(["engineer", "director"])
