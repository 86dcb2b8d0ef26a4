"""What jobs follow from what is told of series, on both databases."""

from __future__ import annotations

import pytest

from cdss_api.jobs.admission import in_flight
from cdss_api.jobs.models import KnownModel
from neuronova.contract.ai.judged import MOST_SERIES, to_json
from neuronova.contract.priority import Priority
from tests.accounts.api import Api
from tests.jobs.judging import asked, gone, jobs, judged, sha, states, tell


def know(api: Api, digest: str, model: str = "ct-hyperdensity") -> None:
    known = KnownModel(model=model, version="1", digest=sha(digest), deadline=60.0, told={}, seen_at=0.0)
    with api.service.database.writing() as session:
        session.merge(known)


def test_a_rule_that_fires_makes_one_job_however_often_it_is_told(api: Api) -> None:
    first = judged()
    assert tell(api, first, first, judged()) == {"taken": 3, "refused": 0}
    (job,) = jobs(api)
    assert (job.rule, job.model, job.state, job.priority) == ("ct-head", "ct-hyperdensity", "queued", "routine")
    assert (job.study, job.series, job.patient_id, job.issuer) == ("1.2", "1.2.3", "KIM-1", "HOSPITAL")
    assert (job.accession, job.modality, job.instances, job.digest, job.run) == ("ACC-1", "CT", 30, "", 1)
    assert job.message is not None


def test_what_its_model_cannot_is_an_end_with_the_reasons(api: Api) -> None:
    tell(api, judged(asked=(asked(reasons=("12 images at least.", "No volume.")), asked("other"))))
    assert [(one.rule, one.state, one.reason, one.detail) for one in jobs(api)] == [
        ("ct-head", "not_evaluable", "needs", "12 images at least. No volume."),
        ("other", "queued", None, None),
    ]


def test_a_late_slice_supersedes_and_an_older_word_changes_nothing(api: Api) -> None:
    early, late = judged(), judged(version="b")
    tell(api, early)
    tell(api, late)
    tell(api, early)
    assert states(api) == [("superseded", "input_changed"), ("queued", None)]
    tell(api, judged())  # it is again as it was
    assert states(api) == [("queued", None), ("superseded", "input_changed")]
    assert [one.run for one in jobs(api)] == [2, 1]


def test_another_writer_begins_its_own_numbers(api: Api) -> None:
    tell(api, judged(sequence=900_000))
    tell(api, judged(version="b", writer="another", sequence=1))
    assert states(api) == [("superseded", "input_changed"), ("queued", None)]


def test_a_series_that_is_gone_cancels_what_is_open_and_comes_back(api: Api) -> None:
    tell(api, judged(asked=(asked(), asked("r", reasons=("No.",)))), judged("1.9"))
    tell(api, gone())
    assert states(api) == [("cancelled", "series_gone"), ("superseded", "series_gone"), ("queued", None)]
    tell(api, judged(asked=(asked(), asked("r", reasons=("No.",)))))
    assert states(api) == [("queued", None), ("not_evaluable", "needs"), ("queued", None)]


def test_another_digest_is_another_job_and_one_that_was_not_known_is_not(api: Api) -> None:
    tell(api, judged())
    know(api, "one")
    tell(api, judged())
    assert len(jobs(api)) == 1
    tell(api, judged("1.9"))
    know(api, "two")
    tell(api, judged("1.9"))
    assert [one.digest for one in jobs(api)] == ["", sha("one"), sha("two")]


def test_few_are_admitted_and_the_most_urgent_first(api: Api) -> None:
    def of(series: str, priority: Priority, age: float) -> None:
        api.clock.time += -age
        tell(api, judged(series, asked=(asked(priority=priority),)))
        api.clock.time += age

    for number in range(4):
        of(f"1.0.{number}", Priority.ROUTINE, 0)
    of("1.1", Priority.ROUTINE, 0)
    of("1.2", Priority.STAT, 0)
    of("1.3", Priority.ROUTINE, 2 * 3600)  # nothing starves
    of("1.4", Priority.ASAP, 0)
    with api.service.database.reading() as session:
        assert in_flight(session) == 4
    waiting = [one for one in jobs(api) if one.message is None]
    assert [one.series for one in sorted(waiting, key=lambda one: one.turn)] == ["1.3", "1.2", "1.4", "1.1"]
    tell(api, gone("1.0.0"))
    assert [one.series for one in jobs(api) if one.message is None] == ["1.1", "1.2", "1.4"]
    tell(api, gone("1.0.1"))
    assert [one.series for one in jobs(api) if one.message is None] == ["1.1", "1.4"]


ODD = {
    "format": {"format": 2, "series": []},
    "no-list": {"format": 1},
    "too-many": to_json([judged()] * (MOST_SERIES + 1)),
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_an_odd_message_is_refused(api: Api, body: dict[str, object]) -> None:
    answer = api.client.post("/api/v1/internal/series", json=body, headers=api.internal())
    assert answer.status_code == 422, answer.text
    assert jobs(api) == []


def test_only_by_the_service_key(api: Api) -> None:
    assert api.client.post("/api/v1/internal/series", json=to_json([judged()])).status_code == 403
