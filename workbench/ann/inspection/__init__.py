"""Indexes opened up: how a search went, what it computed, and why it missed what it missed."""
