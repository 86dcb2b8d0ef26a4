"""The worker's process, killed while its Orthanc sends: in the end the destination holds each image, once."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from cdss_api.forwarding.models import Forward
from neuronova.contract.grants import ModalityChange, Operation
from tests.access import accounts, changes_of_api
from tests.accounts.api import Api, Clock
from tests.forwarding.peer import Peer
from tests.forwarding.working import Bench
from tests.server import Server, free_ports, running, settings_for, until
from tests.synthetic import ct_slice
from tests.worker import worker


def test_a_worker_that_is_killed_while_images_go_loses_and_doubles_nothing(tmp_path: Path) -> None:
    peer = Peer(free_ports(1)[0], blocks_at=3)
    settings = settings_for(tmp_path / "data")
    (tmp_path / "data" / "api").mkdir(parents=True)
    (tmp_path / "data" / "keys").mkdir()
    known = ModalityChange(title="PEER", host="127.0.0.1", port=peer.port, operations=(Operation.STORE,), issuer=None)
    server = Server(settings, known=[*changes_of_api(settings), *accounts(), known])
    clock = Clock()
    api = Api(settings, clock=clock)
    clock.time = 0.0  # due at once, by the worker's own clock
    images = [ct_slice(number, rows=16, columns=16, study="killed") for number in range(1, 7)]
    with running(server), peer.up():
        until(lambda: "ae-50454552" in server.get("/modalities"), "Orthanc has the table")
        bench = Bench(api, server)
        bench.arrived(*images)
        with worker(settings.environment()) as process:
            assert peer.reached.wait(60)
            until(lambda: bench.states() == ["sending"], "the job is written down")
            process.kill()
            process.wait()
        peer.go_on.set()
        with worker(settings.environment()):
            until(lambda: bench.states() == ["sent"], "the end of it")
        with api.service.database.reading() as session:
            (row,) = session.scalars(select(Forward))
    assert peer.held.keys() == {str(one.SOPInstanceUID) for one in images}
    assert set(peer.came.values()) == {1}
    assert (row.run, row.ended_at is not None) == (1, True)
    api.service.database.close()
