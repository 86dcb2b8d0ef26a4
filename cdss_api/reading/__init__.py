"""The radiologist's and the technologist's day: what waits for a report, reports, and the day's examinations."""
