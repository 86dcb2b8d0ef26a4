"""Clients that are programs: registered, known by their keys, narrowed by scopes (SMART Backend Services)."""
