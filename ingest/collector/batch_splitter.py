"""Tells the parts of a batch's body apart by brackets and strings, where it is no JSON as a whole.

Hands on the texts of the envelope's fields and of the events, each to be read on its own. The work
grows with the length of the body and is bounded in all; nothing is decoded but the parts.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson


class Shape(NamedTuple):
    """Which field holds the list, by any of its names, and what a whole event of it looks like."""

    names: tuple[str, ...]
    is_whole: Callable[[dict[str, Any]], bool]


class Parts(NamedTuple):
    """The fields of an envelope but its list, in their order, and the texts of the list's items."""

    fields: list[tuple[str, bytes]]
    items: list[bytes]


@dataclass(slots=True)
class Budget:
    """How much work is left, in steps of about 0.3 µs, as long as a bracket takes."""

    steps: int = 150_000

    def spend(self, steps: int) -> None:
        """Count work.

        Raises:
            _Unsplittable: it is too much.
        """
        self.steps -= steps
        if self.steps < 0:
            raise _Unsplittable


def split(body: bytes, shape: Shape, budget: Budget) -> Parts | None:
    """Split the body of a batch; None where it is cut short, or its events cannot be told apart.

    An event whose own brackets or quotes are broken ends where the next whole one begins, or the
    list itself. A body that just ends is not split: its sender has not sent all of it.
    """
    try:
        return _Splitter(body, shape, budget).split()
    except _Unsplittable:
        return None


class _Unsplittable(Exception):  # noqa: N818 - no fault, and never leaves the module
    """The parts cannot be told apart, or not with bounded work."""


_STEPS_OF_ITEM = 20
_BYTES_OF_STEP = 128
_STRINGS_OF_STEP = 2
_MOST_LEVELS = 1_024
_WINDOW_BYTES = 65_536  # more than the largest event that is taken

# A string, and text up to the next bracket outside of strings; on an event's own level up to a
# comma, too. Possessive throughout: nothing is tried twice.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_WITHIN = re.compile(rb'[^"\[\]{}]*+(?:%b[^"\[\]{}]*+)*+' % _STRING, re.DOTALL)
_BESIDE = re.compile(rb'[^"\[\]{},]*+(?:%b[^"\[\]{},]*+)*+' % _STRING, re.DOTALL)
_STRINGS = re.compile(_STRING, re.DOTALL)
_NAME = re.compile(rb"[ \t\r\n]*+(%b)[ \t\r\n]*+:[ \t\r\n]*+" % _STRING, re.DOTALL)
_OPENING = re.compile(rb"[ \t\r\n]*+\{")
_BLANK = re.compile(rb"[ \t\r\n]*+")
_NEXT_OBJECT = re.compile(rb",[ \t\r\n]*+(?=\{)")
_SEAM = re.compile(rb'\}[ \t\r\n]*+,[ \t\r\n]*+\{[ \t\r\n]*+"\Z')
_COMMA, _QUOTE, _OPEN, _CLOSE = b',"[]'
_CLOSED_BY = {ord("{"): ord("}"), ord("["): ord("]")}


class _Splitter:
    def __init__(self, body: bytes, shape: Shape, budget: Budget) -> None:
        self._body = body
        self._shape = shape
        self._spend = budget.spend

    def split(self) -> Parts:
        body = self._body
        opening = _OPENING.match(body)
        if opening is None:
            raise _Unsplittable
        fields: list[tuple[str, bytes]] = []
        items: list[bytes] | None = None
        at = opening.end()
        while (name := _NAME.match(body, at)) is not None:
            field, at = _text(name[1]), name.end()
            is_list = field in self._shape.names and body[at : at + 1] == b"["
            if is_list and items is None:
                items, at = self._items(at + 1)
            else:
                end = self._end(at, len(body))
                if end < 0:
                    raise _Unsplittable
                fields.append((field, body[at:end].rstrip()))
                at = end
            at = _blank(body, at)
            if body[at : at + 1] != b",":
                break
            at += 1
        at = _blank(body, at)
        if items is None or body[at:].rstrip() != b"}":
            raise _Unsplittable
        return Parts(fields, items)

    def _items(self, at: int) -> tuple[list[bytes], int]:
        """Split the list that begins at `at`, and tell where the text behind it begins."""
        items = []
        while True:
            self._spend(_STEPS_OF_ITEM)
            start = _blank(self._body, at)
            end = self._end_of_item(start)
            text = self._body[start:end].rstrip()
            is_last = self._body[end] == _CLOSE
            if text or not is_last:  # a comma behind the last event stands for no other one
                items.append(text)
            at = end + 1
            if is_last:
                return items, at

    def _end_of_item(self, start: int) -> int:
        end = self._end(start, len(self._body))
        whole = end >= 0 and self._body[end] in b",]"
        if whole and not self._swallows(self._body[start:end]):
            return end
        return self._end_of_broken(start)

    def _end(self, start: int, limit: int) -> int:
        """Find the comma or bracket that ends the value at `start`; -1 where it is broken.

        Raises _Unsplittable where the body ends instead.
        """
        body = self._body
        closings: list[int] = []
        at = start
        while True:
            before = at
            at = (_WITHIN if closings else _BESIDE).match(body, at, limit).end()  # type: ignore[union-attr]  # it matches everything
            self._spend(1 + (at - before) // _BYTES_OF_STEP)
            if at == len(body):
                raise _Unsplittable
            mark = body[at]
            if at == limit or mark == _QUOTE:
                self._spend((limit - at) // _BYTES_OF_STEP)  # in search of the other quote
                return -1
            if mark in _CLOSED_BY:
                closings.append(_CLOSED_BY[mark])
                if len(closings) > _MOST_LEVELS:
                    return -1
            elif not closings:
                return at
            elif mark != closings.pop():
                return -1
            at += 1

    def _swallows(self, text: bytes) -> bool:
        """Whether a text that seems whole lost a quote, and found it again in a later event.

        What stands between two events then looks like the end of a string.
        """
        if len(text) > _WINDOW_BYTES or _is_json(text):
            return False
        strings = _STRINGS.findall(text)
        self._spend(len(strings) // _STRINGS_OF_STEP)
        return any(_SEAM.search(string) for string in strings)

    def _end_of_broken(self, start: int) -> int:
        """Find where a broken event ends: before the next whole one, or with the list."""
        for seam in _NEXT_OBJECT.finditer(self._body, start + 1):
            self._spend(_STEPS_OF_ITEM)
            if self._is_whole(seam.end()):
                return seam.start()
        return self._end_of_list(start)

    def _is_whole(self, start: int) -> bool:
        limit = min(len(self._body), start + _WINDOW_BYTES)
        try:
            end = self._end(start, limit)
        except _Unsplittable:  # it goes to the end of the body
            return False
        if end < 0 or self._body[end] not in b",]":
            return False
        try:
            item = orjson.loads(self._body[start:end])
        except orjson.JSONDecodeError:
            return False
        return self._shape.is_whole(item)

    def _end_of_list(self, start: int) -> int:
        """Find the bracket behind the last event: what follows it ends the envelope, as JSON."""
        at = len(self._body)
        while (at := self._body.rfind(b"]", start, at)) >= 0:
            rest_bytes = len(self._body) - at
            self._spend(_STEPS_OF_ITEM + rest_bytes // _BYTES_OF_STEP)
            if rest_bytes > _WINDOW_BYTES:
                break
            if _is_json(b'{"":[' + self._body[at:]):
                return at
        raise _Unsplittable


def _text(name: bytes) -> str:
    try:
        text: str = orjson.loads(name)
    except orjson.JSONDecodeError:
        return ""
    return text


def _blank(body: bytes, at: int) -> int:
    return _BLANK.match(body, at).end()  # type: ignore[union-attr]  # it matches nothing at all, too


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
