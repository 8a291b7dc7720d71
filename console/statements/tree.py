"""The syntax tree of a statement, as the engine's own EXPLAIN AST writes it: a node a line.

The engine writes names as they are, line breaks too: what stands in no tree of whole lines is a
fault, so that a name cannot pass for a node.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_LINE = re.compile(r"( *)(\S.*?)(?: \(children (\d+)\))?")


class TreeError(ValueError):
    """The text is no tree whose nodes have as many children as they say."""


@dataclass(slots=True)
class Node:
    """A node: its kind (`Function`), what follows on its line (`count (alias n)`), its children."""

    kind: str
    text: str
    children: "list[Node]" = field(default_factory=list)

    def walk(self) -> "Iterator[Node]":
        """Give this node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def read_tree(written: str) -> Node:
    """Read the lines of EXPLAIN AST.

    Raises:
        TreeError: they are no single tree.
    """
    path: list[tuple[Node, int]] = []
    root: Node | None = None
    for line in written.rstrip("\n").split("\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            raise TreeError("a line is no node")
        depth = len(match[1])
        kind, _, text = match[2].partition(" ")
        node = Node(kind, text)
        _close(path, depth)
        if path:
            path[-1][0].children.append(node)
        elif root is not None:
            raise TreeError("there are two trees")
        else:
            root = node
        if depth != len(path):
            raise TreeError("a line is set in too far")
        path.append((node, int(match[3] or 0)))
    _close(path, 0)
    if root is None:
        raise TreeError("there is no tree")
    return root


def _close(path: list[tuple[Node, int]], depth: int) -> None:
    """End the nodes that a line at this depth is not below."""
    while len(path) > depth:
        node, children = path.pop()
        if len(node.children) != children:
            raise TreeError("a node has other children than it says")
