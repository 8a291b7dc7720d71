"""stub"""


def replay() -> int:
    """Replay."""
    return 0
