"""What follows Orthanc's changes in a thread and tells the API what it makes of them; nothing is lost by a restart."""
