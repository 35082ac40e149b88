"""What others write around each line: a collector's prefix, an envelope of JSON. Pure."""
