"""Legal holds: studies and patients of which nothing may leave the archive."""
