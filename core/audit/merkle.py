"""The Merkle tree of RFC 6962, section 2.1: pure functions over hashes.

Hashes are 32-byte `bytes`. A frontier is the tuple of roots of the perfect subtrees that make up a tree of
`size` leaves, largest first; an append touches O(log n) of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry as a leaf (domain-separated by 0x00)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children as their parent (domain-separated by 0x01)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier(NamedTuple):
    """The right edge of a tree: its size and the roots of its perfect subtrees, largest first."""

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> Frontier:
        """Return the frontier after one more leaf hash."""
        nodes = [*self.nodes, leaf]
        size = self.size
        while size & 1:
            right, left = nodes.pop(), nodes.pop()
            nodes.append(node_hash(left, right))
            size >>= 1
        return Frontier(self.size + 1, tuple(nodes))

    def root(self) -> bytes:
        """Return the Merkle tree hash."""
        if not self.nodes:
            return EMPTY_ROOT
        result = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            result = node_hash(node, result)
        return result


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash of leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.append(leaf)
    return frontier.root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of a leaf (RFC 6962, 2.1.1), nearest sibling first."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"the tree of {len(leaves)} leaves has no leaf {index}")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_proof(leaves[:split], index), tree_root(leaves[split:])]
    return [*inclusion_proof(leaves[split:], index - split), tree_root(leaves[:split])]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the audit path leads from a leaf to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, result = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            result = node_hash(sibling, result)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            result = node_hash(result, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and result == root


def _split(size: int) -> int:
    """Return the largest power of two smaller than size."""
    return 1 << ((size - 1).bit_length() - 1)
