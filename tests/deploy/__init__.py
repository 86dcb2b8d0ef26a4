"""The files that a service manager or a container engine is given."""
