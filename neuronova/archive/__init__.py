"""What is done to the whole archive of a running platform."""
