"""Markov attribution: how many conversions would be lost without a channel."""

from collections.abc import Mapping

import numpy as np

START, CONVERSION, NONE = "(start)", "(conversion)", "(none)"
"""The states of a chain beside its channels: where journeys begin, and the two ends they have."""

Steps = Mapping[tuple[str, str], int]
"""How many journeys went from one state to another."""


def removal_effects(steps: Steps) -> dict[str, float]:
    """Give each channel the share of conversions lost if journeys that come to it ended there.

    The journeys make a first-order chain; its probability to convert is that of absorption,
    x = (I - Q)⁻¹ r. Source: Anderl, Becker, von Wangenheim and Schumann, "Mapping the customer
    journey", International Journal of Research in Marketing 33, 2016, section 3. Empty where no
    journey converts.
    """
    states = [START, *sorted({state for step in steps for state in step} - {START, *_ENDS})]
    moves, wins = _chain(steps, states)
    all_in_all = _converting(moves, wins)
    if all_in_all <= 0:
        return {}
    return {
        channel: 1 - _converting(_without(moves, number), wins) / all_in_all
        for number, channel in enumerate(states[1:], 1)
    }


_ENDS = {CONVERSION, NONE}


def _chain(steps: Steps, states: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Give the probabilities to move between states, and to convert from each."""
    place = {state: number for number, state in enumerate(states)}
    moves, wins, totals = np.zeros((len(states),) * 2), np.zeros(len(states)), np.zeros(len(states))
    for (here, following), journeys in steps.items():
        totals[place[here]] += journeys
        if following == CONVERSION:
            wins[place[here]] += journeys
        elif following in place:
            moves[place[here], place[following]] += journeys
    totals[totals == 0] = 1
    return moves / totals[:, None], wins / totals


def _without(moves: np.ndarray, channel: int) -> np.ndarray:
    """Let every journey that comes to a channel end there."""
    left = moves.copy()
    left[:, channel] = 0
    return left


def _converting(moves: np.ndarray, wins: np.ndarray) -> float:
    return float(np.linalg.solve(np.eye(len(wins)) - moves, wins)[0])
