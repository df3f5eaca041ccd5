"""Who may do what: roles, permissions, and the check that every service makes.

A permission is `resource:action`. Roles are fixed by the product; which person holds which is data.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.errors import Denied, InputError


class Role(StrEnum):
    """What a person is at Greenlight."""

    ADMINISTRATOR = "administrator"
    ENGINEER = "engineer"
    LEGAL_LEAD = "legal_lead"
    CLINICAL_LEAD = "clinical_lead"
    RELEASE_MANAGER = "release_manager"
    AUDITOR = "auditor"
    REVIEWER = "reviewer"


class Permission(StrEnum):
    """One thing that a service does."""

    USER_MANAGE = "user:manage"
    PROJECT_MANAGE = "project:manage"
    MODEL_REGISTER = "model:register"
    MODEL_CLEAR = "model:clear"
    ASSET_REGISTER = "asset:register"
    PERSONS_DECLARE = "persons:declare"
    CONSENT_RECORD = "consent:record"
    ATTEST = "attestation:make"
    PROTOCOL_APPROVE = "protocol:approve"
    TASK_DECIDE = "task:decide"
    REVIEW_ASSIGN = "review:assign"
    REVIEW_WRITE = "review:write"
    REVIEW_ADJUDICATE = "review:adjudicate"
    JOB_SUBMIT = "job:submit"
    JOB_CANCEL = "job:cancel"
    JOB_WORK = "job:work"
    EVALUATE = "evaluation:run"
    RELEASE_PROPOSE = "release:propose"
    RELEASE_SIGN = "release:sign"
    RELEASE_EXPORT = "release:export"
    REPORT_MAKE = "report:make"
    AUDIT_CHECKPOINT = "audit:checkpoint"


_P = Permission
ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset({_P.USER_MANAGE, _P.PROJECT_MANAGE, _P.JOB_WORK, _P.AUDIT_CHECKPOINT}),
    Role.ENGINEER: frozenset(
        {
            _P.MODEL_REGISTER,
            _P.ASSET_REGISTER,
            _P.PERSONS_DECLARE,
            _P.JOB_SUBMIT,
            _P.JOB_CANCEL,
            _P.JOB_WORK,
            _P.EVALUATE,
            _P.RELEASE_PROPOSE,
            _P.REPORT_MAKE,
        }
    ),
    Role.LEGAL_LEAD: frozenset(
        {
            _P.CONSENT_RECORD,
            _P.PERSONS_DECLARE,
            _P.MODEL_CLEAR,
            _P.ATTEST,
            _P.REVIEW_WRITE,
            _P.RELEASE_SIGN,
            _P.REPORT_MAKE,
        }
    ),
    Role.CLINICAL_LEAD: frozenset(
        {
            _P.CONSENT_RECORD,
            _P.PERSONS_DECLARE,
            _P.ATTEST,
            _P.PROTOCOL_APPROVE,
            _P.TASK_DECIDE,
            _P.REVIEW_ASSIGN,
            _P.REVIEW_WRITE,
            _P.REVIEW_ADJUDICATE,
            _P.RELEASE_SIGN,
            _P.REPORT_MAKE,
        }
    ),
    Role.RELEASE_MANAGER: frozenset(
        {
            _P.PROJECT_MANAGE,
            _P.ATTEST,
            _P.REVIEW_ASSIGN,
            _P.RELEASE_PROPOSE,
            _P.RELEASE_SIGN,
            _P.RELEASE_EXPORT,
            _P.REPORT_MAKE,
            _P.JOB_CANCEL,
        }
    ),
    Role.AUDITOR: frozenset({_P.AUDIT_CHECKPOINT, _P.REPORT_MAKE}),
    Role.REVIEWER: frozenset({_P.REVIEW_WRITE}),
}


@dataclass(frozen=True)
class Actor:
    """Who acts: a person, or the system's own worker."""

    id: str
    name: str
    roles: frozenset[Role]

    def may(self, permission: Permission) -> bool:
        """Whether one of the actor's roles carries the permission."""
        return any(permission in ROLE_PERMISSIONS[role] for role in self.roles)

    def require(self, permission: Permission) -> None:
        """Raise `Denied` unless the actor may."""
        if self.may(permission):
            return
        holders = " or ".join(
            sorted(role.replace("_", " ") for role, held in ROLE_PERMISSIONS.items() if permission in held)
        )
        raise Denied(f"{self.name} may not do this ({permission})", f"ask somebody who is {holders}")


WORKER = Actor("system:worker", "Greenlight worker", frozenset({Role.ADMINISTRATOR, Role.ENGINEER}))
"""The actor of the queue's own steps; it can never sign."""
INSTALLER = Actor("system:init", "Greenlight set-up", frozenset({Role.ADMINISTRATOR}))
"""The actor of the very first step, before any person exists."""


def parse_roles(names: list[str]) -> frozenset[Role]:
    """Turn role names into roles; an unknown one is an `InputError` that lists the known."""
    known = {role.value: role for role in Role}
    for name in names:
        if name not in known:
            raise InputError(f"'{name}' is not a role", f"use one of {', '.join(sorted(known))}")
    return frozenset(known[name] for name in names)
