"""The tables of an audit journal: a SQLite file whose only truth is each record's bytes and hashes.

What is searched for is computed from these bytes (generated columns), so that there is nothing beside them to alter.
The triggers keep mistakes out; against intent there are the chain and the checkpoints. Records before a cut, which is
itself only ever added to, may go.
"""

from __future__ import annotations

SCHEMA_VERSION = 1
SCHEMA = (
    """CREATE TABLE journal (writer TEXT NOT NULL, id TEXT NOT NULL) STRICT""",
    """CREATE TABLE cut (sequence INTEGER PRIMARY KEY, hash TEXT NOT NULL) STRICT""",
    """CREATE TABLE record (
    sequence INTEGER PRIMARY KEY,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    event TEXT NOT NULL,
    time INTEGER GENERATED ALWAYS AS (json_extract(event, '$.time')) VIRTUAL,
    action TEXT GENERATED ALWAYS AS (json_extract(event, '$.action')) VIRTUAL,
    outcome TEXT GENERATED ALWAYS AS (json_extract(event, '$.outcome')) VIRTUAL,
    subject TEXT GENERATED ALWAYS AS (json_extract(event, '$.subject')) VIRTUAL,
    patient TEXT GENERATED ALWAYS AS (json_extract(event, '$.patient_id')) VIRTUAL,
    issuer TEXT GENERATED ALWAYS AS (coalesce(json_extract(event, '$.issuer'), '')) VIRTUAL,
    study TEXT GENERATED ALWAYS AS (json_extract(event, '$.study')) VIRTUAL,
    accesses INTEGER GENERATED ALWAYS AS (coalesce(json_extract(event, '$.count'), 1)) VIRTUAL
) STRICT""",
    """CREATE INDEX record_time ON record (time)""",
    """CREATE INDEX record_outcome ON record (outcome, time)""",
    """CREATE INDEX record_subject ON record (subject, time) WHERE subject IS NOT NULL""",
    """CREATE INDEX record_patient ON record (patient, time) WHERE patient IS NOT NULL""",
    """CREATE INDEX record_study ON record (study, time) WHERE study IS NOT NULL""",
    """CREATE TRIGGER record_is_kept BEFORE DELETE ON record
    WHEN OLD.sequence > (SELECT coalesce(max(sequence), 0) FROM cut)
    BEGIN SELECT raise(ABORT, 'audit records are not deleted'); END""",
    """CREATE TRIGGER record_is_final BEFORE UPDATE ON record
    BEGIN SELECT raise(ABORT, 'audit records are not changed'); END""",
    """CREATE TRIGGER cut_is_kept BEFORE DELETE ON cut
    BEGIN SELECT raise(ABORT, 'cuts are not deleted'); END""",
    """CREATE TRIGGER cut_is_final BEFORE UPDATE ON cut
    BEGIN SELECT raise(ABORT, 'cuts are not changed'); END""",
    """CREATE TRIGGER journal_is_kept BEFORE DELETE ON journal
    BEGIN SELECT raise(ABORT, 'a journal keeps its name'); END""",
    """CREATE TRIGGER journal_is_final BEFORE UPDATE ON journal
    BEGIN SELECT raise(ABORT, 'a journal keeps its name'); END""",
)
