"""Floor 1: camera tracking in: receive, parse, filter, predict, record, replay, simulate."""
