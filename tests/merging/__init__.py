"""Two Patients that are one person."""
