"""The settings as they are in force."""
