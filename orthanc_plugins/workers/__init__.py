"""The processes that the plugin starts: they have no `orthanc` module and reach Orthanc over loopback HTTP."""
