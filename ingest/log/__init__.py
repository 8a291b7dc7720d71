"""The durable log between collectors and loader: Arrow segments in a folder."""
