"""What the surroundings do to the platform."""
