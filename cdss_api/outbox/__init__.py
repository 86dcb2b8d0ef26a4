"""Messages to other systems: written with the change that they tell of, delivered at least once and in order."""
