"""What Prometheus is told of the plugin, and of Orthanc itself."""
