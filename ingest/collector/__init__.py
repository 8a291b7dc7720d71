"""HTTP: connections, protocols, keys and answers; hands decoded calls to validation."""
