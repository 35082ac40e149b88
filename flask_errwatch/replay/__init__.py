"""`flask errwatch replay`: which alarms would have fired on the lines of a log."""
