"""What the warehouse process answers: control of this machine's own command line, health."""
