"""Example applications. Run them from the root of the project."""
