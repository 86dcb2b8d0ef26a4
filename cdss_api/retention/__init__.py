"""Retention: which studies' days are over, what leaves by which rule, and what has left."""
