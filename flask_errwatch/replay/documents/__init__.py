"""Files whose records are not lines: answers of the AWS command line, Firehose, CSV. Pure."""
