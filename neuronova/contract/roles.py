"""Who may do what: the one table of roles and permissions."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What an account is."""

    ADMIN = "admin"
    RADIOLOGIST = "radiologist"
    DOCTOR = "doctor"
    NURSE = "nurse"
    TECHNOLOGIST = "technologist"
    PATIENT = "patient"
    SERVICE = "service"


class Permission(StrEnum):
    """What can be done; the name is also the scope of a service token."""

    IMAGES_QUERY = "images:query"
    IMAGES_READ = "images:read"
    IMAGES_STORE = "images:store"
    IMAGES_DELETE = "images:delete"
    ARCHIVE_MANAGE = "archive:manage"  # Orthanc's own REST API and Explorer
    PLATFORM_HEALTH = "platform:health"
    BREAK_GLASS = "patients:break-glass"
    LINKS_MANAGE = "links:manage"
    GRANTS_MANAGE = "grants:manage"
    USERS_MANAGE = "users:manage"
    MODALITIES_MANAGE = "modalities:manage"
    SETTINGS_READ = "settings:read"
    HOLDS_MANAGE = "holds:manage"  # legal holds: what must not leave the archive
    AUDIT_READ = "audit:read"
    OUTBOX_MANAGE = "outbox:manage"  # its messages hold records of all patients
    RECORDS_READ = "records:read"  # clinical records (FHIR) of the patients that one sees
    PATIENTS_WRITE = "patients:write"
    PATIENTS_MERGE = "patients:merge"  # making one Patient of two, images and all
    CLINICAL_WRITE = "clinical:write"
    ORDERS_WRITE = "orders:write"
    REPORTS_WRITE = "reports:write"
    IMAGING_MATCH = "imaging:match"  # deciding whose a study is that does not fit its order
    JOBS_READ = "jobs:read"  # models' jobs on images of the patients that one sees
    JOBS_RETRY = "jobs:retry"
    JOBS_MANAGE = "jobs:manage"
    INFERENCE_ASK = "inference:ask"  # sending a model an array; stored series have jobs
    DIRECTORY_WRITE = "directory:write"  # who and what there is in the hospital, and what the platform itself keeps


class Reach(StrEnum):
    """Whose images and records a role sees."""

    ALL = "all"
    CARE_TEAM = "care-team"
    OWN = "own"
    RECENT = "recent"  # what arrived within the last days, a setting


_READING = frozenset({Permission.IMAGES_QUERY, Permission.IMAGES_READ, Permission.RECORDS_READ})
_WRITING = _READING | {Permission.IMAGES_STORE}

PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.ADMIN: frozenset(Permission),
        Role.RADIOLOGIST: _WRITING
        | {Permission.LINKS_MANAGE, Permission.ORDERS_WRITE, Permission.REPORTS_WRITE, Permission.IMAGING_MATCH}
        | {Permission.JOBS_READ, Permission.JOBS_RETRY},
        Role.DOCTOR: _WRITING
        | {Permission.LINKS_MANAGE, Permission.BREAK_GLASS, Permission.CLINICAL_WRITE, Permission.ORDERS_WRITE}
        | {Permission.JOBS_READ},
        Role.NURSE: _READING | {Permission.CLINICAL_WRITE},
        Role.TECHNOLOGIST: _WRITING | {Permission.ORDERS_WRITE, Permission.IMAGING_MATCH},
        Role.PATIENT: _READING,
        Role.SERVICE: frozenset(Permission),  # of which a token names those it has: its scopes
    }
)

REACH: Mapping[Role, Reach] = MappingProxyType(
    {
        Role.ADMIN: Reach.ALL,
        Role.RADIOLOGIST: Reach.ALL,
        Role.DOCTOR: Reach.CARE_TEAM,
        Role.NURSE: Reach.CARE_TEAM,
        Role.TECHNOLOGIST: Reach.RECENT,
        Role.PATIENT: Reach.OWN,
        Role.SERVICE: Reach.ALL,
    }
)
