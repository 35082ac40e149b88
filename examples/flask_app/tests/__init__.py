"""The shop behaves, and its failures become the lines they should."""
