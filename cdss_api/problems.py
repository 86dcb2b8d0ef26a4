"""Errors as problem details: those of every service of the platform."""

from neuronova.web.problems import (
    ERRORS,
    MEDIA_TYPE,
    NOTHING,
    InvalidInput,
    Problem,
    ProblemDetails,
    answer,
    describe,
    install,
    invalid,
    problem,
)

__all__ = [
    "ERRORS",
    "MEDIA_TYPE",
    "NOTHING",
    "InvalidInput",
    "Problem",
    "ProblemDetails",
    "answer",
    "describe",
    "install",
    "invalid",
    "problem",
]
