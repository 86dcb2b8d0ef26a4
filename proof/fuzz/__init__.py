"""A modality that sends what is damaged or harmful, without end, among images that are good."""
