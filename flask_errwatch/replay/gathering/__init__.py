"""What is gathered of logs: lines by kind and minute, with what distinguishes kinds."""
