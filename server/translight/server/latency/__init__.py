"""The latency benchmark: a show measured from tracking packet to received picture; docs/latency.md is its method."""
