"""What stops the service or a command from using its database or keys."""


class Unavailable(Exception):
    """Something a person has to put right; the message is one line that says what to do and holds no secret."""
