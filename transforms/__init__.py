"""Pure functions from what a client sent to the columns of an event: no input/output, no faults."""
