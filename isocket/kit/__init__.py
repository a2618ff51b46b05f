"""Things with no idea of our business: time, ids, logs, waiting."""
