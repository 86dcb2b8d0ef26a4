"""Plugins that run inside Orthanc, and the processes they start."""
