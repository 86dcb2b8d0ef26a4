"""Telling the API of Orthanc's studies: what came, grew and went."""
