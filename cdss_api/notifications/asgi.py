"""What gunicorn loads: the streams of notifications, for this process's environment."""

import os
import resource

from cdss_api.notifications.streaming import Streams
from cdss_api.starting import open_service
from neuronova.contract.settings import read_settings

_FILES = 8192  # a connection is one

_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
_wanted = _FILES if _hard == resource.RLIM_INFINITY else min(_FILES, _hard)
if _soft != resource.RLIM_INFINITY and _soft < _wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_wanted, _hard))

app = Streams(open_service(read_settings(os.environ)))
