"""Studies out of the archive, on media."""
