"""What stops the platform from starting or running."""


class PlatformError(Exception):
    """Something a person has to put right; the message is one line that says what to do."""
