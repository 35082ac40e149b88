"""The formats of access logs: what a line of each says of a request. Pure: text in, records out."""
