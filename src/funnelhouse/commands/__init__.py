"""The commands, one module a subject: each reads its options, calls the rooms below, prints."""
