"""The one script that Orthanc loads, alone in its folder: that folder goes first on `sys.path`."""

import os

import orthanc

from orthanc_plugins.install import install

install(orthanc, os.environ)
