"""What the API works out when Prometheus asks, on both databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from cdss_api.imaging.mismatches import State as MismatchState
from cdss_api.imaging.models import Mismatch
from cdss_api.metrics.figures import Collected, Figures, gauge
from cdss_api.metrics.groups import certificates, groups_of
from cdss_api.outbox.breaker_state import Breaker
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.outbox.models import Message, Target
from cdss_api.outbox.states import State
from tests.accounts.api import Api
from tests.audit.collector import make_certificate
from tests.audit.events import filled

Series = dict[tuple[str, ...], float]


def told(collected: Collected) -> Series:
    """Return each series by its name and the values of its labels, in the order of their names."""
    registry = CollectorRegistry()
    registry.register(collected)
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


def figures(api: Api) -> Series:
    return told(Collected(groups_of(api.service)))


def test_a_platform_at_rest(api: Api) -> None:
    found = figures(api)
    groups = ("outbox", "jobs", "reading", "retention", "audit", "certificates", "data")
    assert {key[1]: value for key, value in found.items() if key[0] == "neuronova_figures_up"} == dict.fromkeys(
        groups, 1.0
    )
    assert found[("neuronova_ai_jobs", "queued")] == 0
    assert found[("neuronova_studies_unreported",)] == found[("neuronova_mismatches_held",)] == 0
    assert 0 < found[("neuronova_data_free_bytes",)] < found[("neuronova_data_bytes",)]
    assert ("neuronova_audit_unsent_records",) not in found  # there is no collector
    assert ("neuronova_audit_faults",) not in found  # nobody has verified


def test_the_outbox_by_target_and_no_account_by_name(api: Api) -> None:
    account = "0" * 32
    with api.service.database.writing() as session:
        for target, age in (("emr", 50.0), ("emr", 20.0), (f"notification:{account}", 7.0), ("notification:b", 9.0)):
            now = api.clock() - age
            enqueue(session, target=target, aggregate=f"a{age}", kind="k", payload="p", now=now)
        dead = enqueue(session, target="emr", aggregate="d", kind="k", payload="p", now=api.clock())
        session.get_one(Message, dead).state = State.DEAD_LETTER
        for target, breaker in (("emr", Breaker.OPEN), ("notification:b", Breaker.HALF_OPEN)):
            session.merge(Target(target=target, breaker=breaker, failures=5, openings=1, until=None, worked_at=None))
    found = figures(api)
    assert found[("neuronova_outbox_waiting", "emr")] == found[("neuronova_outbox_waiting", "notification")] == 2
    assert found[("neuronova_outbox_dead_letters", "emr")] == 1
    assert found[("neuronova_outbox_oldest_seconds", "emr")] == pytest.approx(50)
    assert found[("neuronova_outbox_oldest_seconds", "notification")] == pytest.approx(9)
    assert found[("neuronova_notifications_undelivered",)] == 2
    states = ("closed", "half_open", "open")
    assert [found[("neuronova_outbox_breaker", state, "emr")] for state in states] == [0, 0, 1]
    assert [found[("neuronova_outbox_breaker", state, "notification")] for state in states] == [0, 1, 0]
    assert not any(account in part for key in found for part in key)


def test_what_is_held_for_a_decision(api: Api) -> None:
    with api.service.database.writing() as session:
        for number, state in enumerate((MismatchState.HELD, MismatchState.HELD, MismatchState.KEPT)):
            session.add(
                Mismatch(
                    mismatch_id=f"m{number}",
                    study_uid=f"1.2.{number}",
                    patient_id="P",
                    issuer="",
                    order_id="o",
                    reason="patient",
                    state=state,
                    orthanc="x",
                    sent={},
                    ordered={},
                    instances=None,
                    found=api.clock(),
                    decided=None,
                    decided_by=None,
                )
            )
    assert figures(api)[("neuronova_mismatches_held",)] == 2


def test_unsigned_records_are_told_with_their_age(api: Api) -> None:
    folder = api.service.settings.data / "audit"
    folder.mkdir()
    filled(folder / "orthanc.db", "orthanc", 12)  # from the moment at which this clock stands
    api.clock.time += 500
    found = figures(api)
    assert found[("neuronova_audit_unsigned_records",)] == 12
    assert found[("neuronova_audit_unsigned_seconds",)] == pytest.approx(500)


def test_certificates_are_told_by_their_setting(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
    files = {"A": make_certificate(tmp_path), "B": damaged, "C": tmp_path / "missing.pem"}
    found = told(Collected({"certificates": lambda: certificates(files)}))
    name = "neuronova_certificate_expiry_timestamp_seconds"
    assert found[(name, "A")] > (datetime.now(UTC) - timedelta(days=1)).timestamp()
    assert found[(name, "B")] == found[(name, "C")] == 0  # which alarms


def test_a_group_that_hangs_or_fails_says_so_and_the_others_are_told() -> None:
    asked, ended = [], threading.Event()

    def hanging() -> Figures:
        asked.append(1)
        ended.wait(30)
        return []

    def failing() -> Figures:
        raise OSError("no")

    collected = Collected({"slow": hanging, "bad": failing, "good": lambda: [gauge("g", "G", 3.0)]}, deadline=0.2)
    for _ in range(3):
        found = told(collected)
        up = [found[("neuronova_figures_up", group)] for group in ("slow", "bad", "good")]
        assert up == [0, 0, 1]
        assert found[("g",)] == 3
    assert len(asked) == 1  # it is not asked again while it hangs
    ended.set()
