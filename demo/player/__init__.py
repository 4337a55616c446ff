"""Plays the demo: loads raw tables, stands in for the partners, shows what was counted."""
