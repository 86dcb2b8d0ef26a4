"""Prefetch of priors from other archives."""
