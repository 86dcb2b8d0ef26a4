"""The stored studies and their HTJ2K, for those who run the archive."""
