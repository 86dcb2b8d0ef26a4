"""Prefetch: a patient's earlier studies, fetched from other archives once an order is scheduled."""
