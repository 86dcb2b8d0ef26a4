"""What a restored plugin has to know that the copies of its databases could not: they are older than the others.

Between its own databases, the API's and Orthanc's index lie seconds in which studies may have come, changed and gone.
The plugin takes what the API knows for what it has told, as a writer of a new name, so that no number of an earlier
message is taken for one of a new message, and looks at every study again; and it forgets whose studies were that
Orthanc no longer has.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from cdss_api.database import Database, database_url
from neuronova.backup.index import SERIES, STUDY, public_ids
from neuronova.backup.places import INDEX, PLUGIN_DATABASES
from neuronova.contract.settings import Settings
from neuronova.contract.studies import StudyChanged, event_from_json
from orthanc_plugins.access.store import Store
from orthanc_plugins.ai.memory import Memory as SeriesMemory
from orthanc_plugins.studies.memory import Memory as StudiesMemory

ACCESS_DB, SERIES_DB, STUDIES_DB, _ENCODE_DB = PLUGIN_DATABASES


def retell(data: Path, settings: Settings) -> None:
    """Bring the plugin's databases of a restored folder in line with the API's and Orthanc's."""
    with closing(Store(data / ACCESS_DB)) as access:
        access.keep_only(public_ids(data / INDEX, STUDY), public_ids(data / INDEX, SERIES))
    with closing(StudiesMemory(data / STUDIES_DB)) as studies:
        studies.begin_anew(_known(settings), time.time())
    with closing(SeriesMemory(data / SERIES_DB)) as series:
        series.begin_anew()


def _known(settings: Settings) -> Iterator[StudyChanged]:
    """Yield what the API knows of studies; the statement holds for the tables of earlier versions, too."""
    database = Database(database_url(settings))
    try:
        with database.reading() as session:
            for (sent,) in session.execute(text("SELECT sent FROM imaging_study WHERE sent IS NOT NULL")):
                event = event_from_json(json.loads(sent))
                if isinstance(event, StudyChanged):
                    yield event
    finally:
        database.close()
