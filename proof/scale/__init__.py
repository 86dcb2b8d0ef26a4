"""An archive of years in the API's database, and how long its users' calls take in it."""
