"""NeuroNova: one imaging platform round an Orthanc server."""
