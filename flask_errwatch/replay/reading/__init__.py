"""Reads logs of any shape: guesses how one is built, and counts its lines."""
