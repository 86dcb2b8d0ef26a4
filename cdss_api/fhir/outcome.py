"""What went wrong, as an OperationOutcome (FHIR R4 2.28): raised where it is found, answered at the edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Issue(NamedTuple):
    """One thing to tell; `code` is of FHIR's value set issue-type."""

    severity: str
    code: str
    diagnostics: str
    expression: str = ""


class Refused(Exception):
    """The request is not carried out; `status` is that of HTTP."""

    def __init__(self, status: int, code: str, diagnostics: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.issues: Sequence[Issue] = [Issue("error", code, diagnostics)]
        self.headers = dict(headers or {})


class Invalid(Refused):
    """The resource does not fit its definition."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__(422, "invalid", "The resource does not fit its definition.")
        self.issues = issues


def outcome(issues: Sequence[Issue]) -> dict[str, Any]:
    """Return the OperationOutcome."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(one) for one in issues]}


def _issue(issue: Issue) -> dict[str, Any]:
    told: dict[str, Any] = {"severity": issue.severity, "code": issue.code, "diagnostics": issue.diagnostics}
    return told | ({"expression": [issue.expression]} if issue.expression else {})
