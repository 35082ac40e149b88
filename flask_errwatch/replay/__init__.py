"""`flask errwatch replay`: logs in, what the detectors would have made of them out."""
