"""Telling people of what happened: in their pages, by webhook, by e-mail."""
