"""The platform at one glance, for those who run it."""
