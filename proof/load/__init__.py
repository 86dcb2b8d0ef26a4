"""A hospital on a busy morning, and how long its people wait."""
