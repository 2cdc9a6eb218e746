"""Edits of a finished environment before it goes on the wall; ``commands/environment.py`` runs them."""
