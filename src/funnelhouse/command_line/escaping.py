"""Text from strangers on its way to a terminal: shown, never obeyed."""


def printable(text: str) -> str:
    """Write control, formatting and other invisible characters as escapes, all others as they are.

    So a cell can neither move the cursor, nor set colours, nor reverse what stands beside it
    (Unicode categories C* and Z* but the blank, as `str.isprintable` has them).
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "backslashreplace").decode("ascii")
        for character in text
    )
