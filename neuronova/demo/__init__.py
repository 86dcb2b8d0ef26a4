"""Sample studies for a newcomer: a head made of ellipsoids, and the modality that sends it."""
