"""Tests of the shop and of its events."""
