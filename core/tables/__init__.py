"""The SQLAlchemy models, one file per aggregate."""

from core.tables.assets import Asset, AssetFile, Attestation, Consent, PersonsDeclaration, Subject
from core.tables.audit import AuditCheckpoint, AuditEvent, AuditFrontier
from core.tables.base import Base, record_digest, record_of
from core.tables.jobs import Attempt, EvaluationRecord, Job, MeasurementRecord, Output, Rerun
from core.tables.people import LoginSession, User
from core.tables.qualifications import Qualification
from core.tables.registry import Artifact, LineageLink, Model, ModelVersion, Project
from core.tables.releases import AssessmentRecord, Dossier, Release, SignatureRecord
from core.tables.reviews import Review, ReviewAssignment, ReviewConflict
from core.tables.studies import Batch, BatchCell, ProtocolApproval
from core.tables.tasks import Task

__all__ = [
    "Artifact",
    "AssessmentRecord",
    "Asset",
    "AssetFile",
    "Attempt",
    "Attestation",
    "AuditCheckpoint",
    "AuditEvent",
    "AuditFrontier",
    "Base",
    "Batch",
    "BatchCell",
    "Consent",
    "Dossier",
    "EvaluationRecord",
    "Job",
    "LineageLink",
    "LoginSession",
    "MeasurementRecord",
    "Model",
    "ModelVersion",
    "Output",
    "PersonsDeclaration",
    "Project",
    "ProtocolApproval",
    "Qualification",
    "Release",
    "Rerun",
    "Review",
    "ReviewAssignment",
    "ReviewConflict",
    "SignatureRecord",
    "Subject",
    "Task",
    "User",
    "record_digest",
    "record_of",
]
