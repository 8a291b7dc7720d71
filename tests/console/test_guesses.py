"""How fast keys may be guessed: so many an address, so many in all, in bounded memory."""

from itertools import count

import pytest

from funnelhouse.console.access.guess_limiter import _MOST_ADDRESSES, Guesses, TooManyGuessesError

_NUMBERS = count()


class Clock:
    """A clock that tests set forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands."""
    return Clock()


@pytest.fixture
def guesses(clock: Clock) -> Guesses:
    """Give what counts, with that clock."""
    return Guesses(clock)


def is_right(key: str) -> bool:
    """Know one key."""
    return key == "right"


def wrong(guesses: Guesses, address: str, times: int) -> int:
    """Send keys that are all wrong and all different; gives how many were compared."""
    for number in range(times):
        try:
            assert not guesses.judge(address, f"guess {next(_NUMBERS)}", is_right)
        except TooManyGuessesError:
            return number
    return times


def test_an_address_waits_after_its_guesses(guesses: Guesses, clock: Clock) -> None:
    """After 20 wrong keys one in three seconds is compared; a right one waits too."""
    assert wrong(guesses, "192.0.2.1", 100) == 20
    with pytest.raises(TooManyGuessesError) as refused:
        guesses.judge("192.0.2.1", "right", is_right)
    assert refused.value.status_code == 429
    assert refused.value.headers == {"retry-after": "3"}
    clock.now += 2.9
    assert wrong(guesses, "192.0.2.1", 1) == 0
    clock.now += 0.2
    assert guesses.judge("192.0.2.1", "right", is_right)
    assert wrong(guesses, "192.0.2.1", 100) == 1
    clock.now += 1e6
    assert wrong(guesses, "192.0.2.1", 100) == 20


def test_others_do_not_wait_for_one(guesses: Guesses) -> None:
    """Another address reads while one guesses; addresses of one IPv6 network are one."""
    assert wrong(guesses, "2001:db8:1:2::1", 15) == 15
    assert wrong(guesses, "2001:db8:1:2:ffff::9", 100) == 5
    assert guesses.judge("2001:db8:1:3::1", "right", is_right)
    assert wrong(guesses, "::ffff:192.0.2.1", 20) == 20
    assert wrong(guesses, "192.0.2.1", 1) == 0
    assert guesses.judge("::ffff:192.0.2.2", "right", is_right)


def test_all_addresses_together_wait(guesses: Guesses, clock: Clock) -> None:
    """After 200 wrong keys from anywhere new addresses wait, those that had a right one do not."""
    assert guesses.judge("192.0.2.1", "right", is_right)
    assert sum(wrong(guesses, f"198.51.100.{number}", 20) for number in range(20)) == 200
    with pytest.raises(TooManyGuessesError):
        guesses.judge("203.0.113.1", "right", is_right)
    assert guesses.judge("192.0.2.1", "right", is_right)
    clock.now += 0.5
    assert guesses.judge("203.0.113.1", "right", is_right)


def test_the_same_wrong_key_counts_once(guesses: Guesses) -> None:
    """A tool with an old key asks on and on, and nobody has to wait for it."""
    assert not any(guesses.judge("192.0.2.1", "old", is_right) for _ in range(1000))
    assert guesses.judge("192.0.2.1", "right", is_right)
    assert wrong(guesses, "192.0.2.1", 100) == 19


def test_memory_is_bounded(guesses: Guesses, clock: Clock) -> None:
    """However many addresses send keys, as many are known as are allowed."""
    for number in range(_MOST_ADDRESSES + 500):
        clock.now += 1
        guesses.judge(f"10.1.{number >> 8}.{number & 255}", "right", is_right)
    held = (guesses._addresses, guesses._known)  # noqa: SLF001 - no answer tells of it
    assert [len(one) for one in held] == [_MOST_ADDRESSES, _MOST_ADDRESSES]
