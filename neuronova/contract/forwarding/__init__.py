"""Rules that send stored series on to other application entities."""
