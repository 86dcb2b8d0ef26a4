"""The workers on a real server: what arrives is encoded exactly once, whatever is killed meanwhile."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileDataset
from pynetdicom import AE
from pynetdicom.presentation import build_context

from orthanc_plugins.journal import Journal
from tests.access import http
from tests.series import ct_series
from tests.server import ENCODED, Server, until

HTJ2K = "1.2.840.10008.1.2.4.202"


def part10(dataset: Dataset) -> bytes:
    content = BytesIO()
    dcmwrite(content, dataset, enforce_file_format=True)
    return content.getvalue()


def frame_url(server: Server, dataset: Dataset) -> str:
    uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
    return "{}/studies/{}/series/{}/instances/{}".format(server.dicomweb, *uids)


def independently_decoded(server: Server, dataset: Dataset) -> np.ndarray:
    """Retrieve an instance as HTJ2K and decode it by pydicom with pylibjpeg-openjpeg."""
    accept = {"Accept": f"application/dicom; transfer-syntax={HTJ2K}"}
    answer = http.get(frame_url(server, dataset), headers=accept)
    answer.raise_for_status()
    retrieved = dcmread(BytesIO(answer.content))
    assert retrieved.file_meta.TransferSyntaxUID == HTJ2K
    retrieved.pixel_array_options(decoding_plugin="pylibjpeg")
    return retrieved.pixel_array


def children(pid: int) -> dict[int, str]:
    """Return the child processes of `pid` and their command lines."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if int(stat[1]) == pid and stat[0] != "Z":
            found[int(entry.name)] = command
    return found


def runs(pid: int) -> bool:
    """Tell whether a process has not ended; one that nobody has waited for yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def workers(server: Server) -> dict[int, str]:
    assert server.process is not None
    return {pid: line for pid, line in children(server.process.pid).items() if "workers.encode" in line}


def publications(server: Server) -> dict[str, int]:
    """Return how often each instance was given an attachment, by Orthanc's own account."""
    counted: Counter[str] = Counter()
    since, done = 0, False
    while not done:
        page = server.get(f"/changes?since={since}&limit=1000")
        counted.update(
            change["ID"]
            for change in page["Changes"]
            if (change["ChangeType"], change["ResourceType"]) == ("UpdatedAttachment", "Instance")
        )
        since, done = page["Last"], page["Done"]
    return dict(counted)


def test_a_series_sent_by_a_modality_is_encoded_by_itself(server: Server) -> None:
    series = ct_series("main", 12)
    server.send(*series)
    server.until_settled(12)
    assert server.outcomes() == {("encoded", ""): 12}
    for dataset in series:
        assert np.array_equal(independently_decoded(server, dataset), dataset.pixel_array)
    originals = {http.get(f"{server.url}/instances/{one}/file").content for one in server.get("/instances")}
    assert {dcmread(BytesIO(one)).PixelData for one in originals} == {one.PixelData for one in series}


def test_the_original_stays_byte_for_byte(server: Server) -> None:
    content = part10(ct_series("original", 1)[0])
    identifier = server.upload(content)
    server.until_settled(1)
    assert http.get(f"{server.url}/instances/{identifier}/file").content == content
    assert http.get(f"{server.url}/instances/{identifier}/preview").ok


def test_a_frame_asked_for_before_its_turn_is_served_and_kept(server: Server) -> None:
    dataset = ct_series("early", 1)[0]
    with stopped_workers(server):
        served_and_kept(server, dataset)


def served_and_kept(server: Server, dataset: Dataset) -> None:
    server.upload(part10(dataset))
    answer = http.get(frame_url(server, dataset) + "/frames/1", headers={"Accept": "image/jphc"})
    assert answer.headers["Content-Type"] == f"image/jphc; transfer-syntax={HTJ2K}"
    until(lambda: server.outcomes() == {("encoded", ""): 1}, "the frame is kept")
    again = http.get(frame_url(server, dataset) + "/frames/1", headers={"Accept": "image/jphc"})
    assert again.content == answer.content
    assert list(publications(server).values()) == [1]


@contextmanager
def stopped_workers(server: Server) -> Iterator[None]:
    """Stop the encode workers without ending them, so that nothing is encoded in the background."""
    pids = list(until(lambda: len(workers(server)) == server.settings.encode_workers and workers(server), "workers"))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_deleted_and_sent_again(server: Server) -> None:
    dataset = ct_series("again", 1)[0]
    identifier = server.upload(part10(dataset))
    server.until_settled(1)
    url = frame_url(server, dataset) + "/frames/1"
    assert http.get(url, headers={"Accept": "image/jphc"}).ok
    http.delete(f"{server.url}/instances/{identifier}").raise_for_status()
    assert http.get(url, headers={"Accept": "image/jphc"}).status_code == 404
    until(lambda: server.outcomes() == {} and server.state()["backlog"] == 0, "the deletion is noted")
    dataset.PixelData = bytes(reversed(dataset.PixelData))
    assert server.upload(part10(dataset)) == identifier
    server.until_settled(1)
    assert np.array_equal(independently_decoded(server, dataset), dataset.pixel_array)


def test_a_broken_file_is_stored_and_skipped_with_its_reason(server: Server) -> None:
    dataset = ct_series("broken", 1)[0]
    dataset.PixelData = dataset.PixelData[:1000]
    server.upload(part10(dataset))
    server.until_settled(1)
    assert server.outcomes() == {("skipped", "broken"): 1}


def test_a_worker_that_is_killed_is_started_again(server: Server) -> None:
    before = set(until(lambda: len(workers(server)) == server.settings.encode_workers and workers(server), "workers"))
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(set(workers(server)) - before) == len(before), "new workers")
    server.send(*ct_series("after", 3))
    server.until_settled(3)
    assert server.outcomes() == {("encoded", ""): 3}


def test_workers_end_with_a_server_that_is_killed(server: Server) -> None:
    assert server.process is not None
    pids = list(until(lambda: len(workers(server)) == 2 and children(server.process.pid), "workers"))  # type: ignore[union-attr]
    server.stop(signal.SIGKILL)
    until(lambda: not any(runs(pid) for pid in pids), "the workers are gone")


def test_an_index_that_was_made_anew(server: Server) -> None:
    """The cursor of the old one is behind the new one's first arrivals."""
    until(lambda: workers(server), "the workers run")
    server.stop(signal.SIGKILL)
    journal = Journal(server.settings.data / "journal" / "encode.db")
    assert journal.take_in(journal.sequence(), 1_000_000, [], 0)
    journal.close()
    server.start()
    until(lambda: len(workers(server)) == 2, "the workers run")
    server.send(*ct_series("anew", 3))
    server.until_settled(3)


def test_the_newest_instance_is_deleted(server: Server) -> None:
    series = ct_series("newest", 3)
    identifiers = [server.upload(part10(one)) for one in series[:2]]
    server.until_settled(2)
    http.delete(f"{server.url}/instances/{identifiers[1]}").raise_for_status()
    last = server.upload(part10(series[2]))
    until(lambda: publications(server) == {identifiers[0]: 1, last: 1}, "two are encoded, once each")


class Modality(threading.Thread):
    """Sends a series again from the first slice that was not acknowledged, until all are."""

    def __init__(self, server: Server, series: list[FileDataset]) -> None:
        super().__init__()
        self.server = server
        self.series = series
        self.sent = 0

    def run(self) -> None:
        while self.sent < len(self.series):
            entity = AE(ae_title="MODALITY")
            entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 5
            association = entity.associate(
                "127.0.0.1",
                self.server.settings.dicom_port,
                contexts=[build_context(self.series[0].SOPClassUID, self.series[0].file_meta.TransferSyntaxUID)],
                ae_title=self.server.settings.aet,
            )
            while association.is_established and self.sent < len(self.series):
                try:
                    status = association.send_c_store(self.series[self.sent])
                except (RuntimeError, ValueError):
                    break
                if status and status.Status == 0x0000:
                    self.sent += 1
            if association.is_established:
                association.release()
            else:
                time.sleep(0.05)


# The modality loses its connections in the middle, and pynetdicom leaves their sockets to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_kill_everything_in_the_middle_of_384_slices(server: Server) -> None:
    series = ct_series("kill", 384, size=128)
    modality = Modality(server, series)
    modality.start()
    until(lambda: modality.sent >= 100, "a quarter is sent")
    server.stop(signal.SIGKILL)
    server.start()
    until(lambda: modality.sent >= 200, "half is sent")
    until(lambda: server.state()["outcomes"], "the workers are at it")
    for pid in workers(server):
        os.kill(pid, signal.SIGKILL)
    modality.join(120)
    gc.collect()  # the lost sockets, while their warning is awaited
    assert modality.sent == len(series)
    until(lambda: 100 < sum(server.outcomes().values()) < 384, "in the middle of encoding", ENCODED)
    server.stop(signal.SIGKILL)
    server.start()
    server.until_settled(384)
    assert server.outcomes() == {("encoded", ""): 384}
    assert len(server.get("/instances")) == 384
    assert list(publications(server).values()) == [1] * 384
    for dataset in series[::37]:
        assert np.array_equal(independently_decoded(server, dataset), dataset.pixel_array)
