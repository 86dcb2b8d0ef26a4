"""What gunicorn loads: the application for this process's environment."""

import os

from cdss_api.app import create_app
from neuronova.contract.settings import read_settings

app = create_app(read_settings(os.environ))
