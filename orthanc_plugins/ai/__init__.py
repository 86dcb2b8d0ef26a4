"""When models are to look at a stored series: readiness, the rules, and what the API is told."""
