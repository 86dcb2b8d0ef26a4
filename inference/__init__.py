"""The inference service: models on stored series, each in a process of its own."""
