"""A hospital on a quiet day, and whether the memory of its parts grows."""
