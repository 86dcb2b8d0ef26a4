"""The units of a service manager."""
