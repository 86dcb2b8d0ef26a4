"""Folders, discs and zip files into the archive of a running platform."""
