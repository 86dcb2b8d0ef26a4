"""Rules that fetch a patient's earlier studies from other archives."""
