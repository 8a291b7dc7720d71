"""The way in: from bytes over HTTP to durable segments, and from segments to the warehouse."""
