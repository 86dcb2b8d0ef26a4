"""The audit trail in the API: what accounts do is written here, and all writers' records are searched here."""
