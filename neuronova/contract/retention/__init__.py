"""Rules that say how long studies are kept, and what becomes of them afterwards."""
