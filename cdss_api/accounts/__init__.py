"""Accounts, tokens and grants: who is who, and whose images they may see."""
