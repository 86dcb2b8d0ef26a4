"""Studies for research: pseudonyms by a key, in place of whoever was examined."""
