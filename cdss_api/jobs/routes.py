"""`/api/v1/jobs`: what runs on stored series, what came of it, and stopping or repeating it."""

from __future__ import annotations

import json

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint

from cdss_api.accounts import recording
from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.jobs import deciding
from cdss_api.jobs.asking import seen_by_asker
from cdss_api.jobs.listing import Wanted, found, listed
from cdss_api.jobs.models import Job
from cdss_api.jobs.overview import overview
from cdss_api.jobs.shapes import JobAnswer, JobEntry, JobPath, JobsAnswer, JobsQuery, OverviewAnswer, shown
from cdss_api.service import Service
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Permission
from neuronova.web.problems import Problem


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("jobs", "/api/v1/jobs", tag="jobs")
    reading = requires(service, Permission.JOBS_READ)

    @routes.get("", responses={"200": JobsAnswer})
    @reading
    def list_jobs(query: JobsQuery) -> Response:
        """List the jobs of patients that one may see, the newest first."""
        wanted = Wanted(**(query.model_dump() | {"count": query.count + 1}))
        with service.work(bearer().actor) as work:
            jobs = listed(work.session, seen_by_asker(service), wanted)
            work.record(recording.Action.JOB_LIST, count=str(len(jobs)))
            entries = [JobEntry(**shown(one)) for one in jobs[: query.count]]
        return jsonify(JobsAnswer(jobs=entries, more=len(jobs) > query.count).model_dump(mode="json"))

    @routes.get("/overview", responses={"200": OverviewAnswer})
    @requires(service, Permission.JOBS_MANAGE)
    def show_overview() -> Response:
        """Tell how the queue stands: ages, failures by reason, models' times, the breaker."""
        with service.database.reading() as session:
            found = overview(session, service.now(), service.settings.ai_in_flight)
        return jsonify(OverviewAnswer(**found).model_dump(mode="json"))

    @routes.get("/<job_key>", responses={"200": JobAnswer})
    @reading
    def show_job(path: JobPath) -> Response:
        """Show a job with its result."""
        with service.work(bearer().actor) as work:
            job = _required(found(work.session, seen_by_asker(service), path.job_key))
            work.record(recording.Action.JOB_SHOW, patient=Patient(job.patient_id, job.issuer), job=job.job_key)
            return _answer(job)

    @routes.post("/<job_key>/cancel", responses={"200": JobAnswer})
    @requires(service, Permission.JOBS_MANAGE)
    def cancel_job(path: JobPath) -> Response:
        """Stop a job that waits or runs."""
        return _decided(service, path.job_key, deciding.Decision.CANCEL)

    @routes.post("/<job_key>/retry", responses={"200": JobAnswer})
    @requires(service, Permission.JOBS_RETRY)
    def retry_job(path: JobPath) -> Response:
        """Have a job done again that failed, was cancelled, or could not be evaluated."""
        return _decided(service, path.job_key, deciding.Decision.RETRY)

    return routes


def _decided(service: Service, job_key: str, decision: deciding.Decision) -> Response:
    with service.work(bearer().actor) as work:
        try:
            job = deciding.decide(work, seen_by_asker(service), job_key, decision, service.settings.ai_in_flight)
        except deciding.NotNow as busy:
            raise Problem(409, "not_now", f"{busy}.") from None
        return _answer(_required(job))


def _answer(job: Job) -> Response:
    result = None if job.result is None else json.loads(job.result)
    return jsonify(JobAnswer(**shown(job), result=result).model_dump(mode="json"))


def _required(job: Job | None) -> Job:
    if job is None:
        raise Problem(404, "not_found", "There is no such job.")
    return job
