"""The audit trail: journals that are only ever added to, their checkpoints, search, export and forwarding.

Shared by the plugin and the API, each of which writes a journal of its own; it knows neither of them.
"""
