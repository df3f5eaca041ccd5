"""The Merkle tree against RFC 6962's own recursive definition, its published vectors, and altered proofs."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audit.checkpoint import open_checkpoint, sign_checkpoint, verifier_key
from core.audit.merkle import Frontier, inclusion_proof, leaf_hash, node_hash, tree_root, verify_inclusion
from core.errors import InputError, TamperingFound
from core.keys import SigningKey

ENTRIES = st.lists(st.binary(max_size=8), max_size=40)
# The entries and roots by which implementations of Certificate Transparency are checked.
CT_ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(entries: list[bytes]) -> bytes:
    """Section 2.1 word for word: MTH({}), MTH({d0}), MTH(D[n])."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return sha256(b"\x01" + naive_root(entries[:k]) + naive_root(entries[k:])).digest()


def leaves(entries: list[bytes]) -> list[bytes]:
    return [leaf_hash(entry) for entry in entries]


def new_key() -> SigningKey:
    return SigningKey(Ed25519PrivateKey.generate())


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_certificate_transparency(size: int):
    assert tree_root(leaves(CT_ENTRIES[:size])).hex() == CT_ROOTS[size]


@given(ENTRIES)
@settings(deadline=None)
def test_the_root_is_the_recursive_definition(entries: list[bytes]):
    assert tree_root(leaves(entries)) == naive_root(entries)


@given(ENTRIES)
@settings(deadline=None)
def test_a_grown_frontier_is_small_and_has_the_tree_s_root(entries: list[bytes]):
    frontier = Frontier()
    for number, leaf in enumerate(leaves(entries), 1):
        frontier = frontier.append(leaf)
        assert frontier.root() == naive_root(entries[:number])
        assert len(frontier.nodes) == number.bit_count()
    assert frontier.size == len(entries)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
@settings(deadline=None)
def test_every_entry_is_proven_and_no_altered_proof_holds(entries: list[bytes], data: st.DataObject):
    tree = leaves(entries)
    index = data.draw(st.integers(0, len(tree) - 1))
    proof, root = inclusion_proof(tree, index), tree_root(tree)
    assert verify_inclusion(tree[index], index, len(tree), proof, root)
    assert not verify_inclusion(leaf_hash(b"another entry"), index, len(tree), proof, root)
    assert not verify_inclusion(tree[index], index, len(tree), [*proof, root], root)
    assert not verify_inclusion(tree[index], len(tree), len(tree), proof, root)
    assert not verify_inclusion(tree[index], index, len(tree), proof, node_hash(root, root))
    if proof:
        assert not verify_inclusion(tree[index], index, len(tree), proof[:-1], root)
        place = data.draw(st.integers(0, len(proof) - 1))
        altered = [bytes([proof[place][0] ^ 1]) + proof[place][1:] if n == place else p for n, p in enumerate(proof)]
        assert not verify_inclusion(tree[index], index, len(tree), altered, root)


def test_a_negative_place_is_never_proven():
    tree = leaves([b"a", b"b", b"c", b"d"])
    assert not verify_inclusion(tree[3], -1, 4, inclusion_proof(tree, 3), tree_root(tree))


@pytest.mark.parametrize("index", [-1, 3])
def test_no_proof_is_made_for_a_leaf_that_is_not_there(index: int):
    with pytest.raises(IndexError):
        inclusion_proof(leaves([b"a", b"b", b"c"]), index)


def test_a_leaf_is_never_mistaken_for_a_node():
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)


@given(ENTRIES)
@settings(deadline=None, max_examples=20)
def test_a_checkpoint_gives_back_the_head_that_was_signed(entries: list[bytes]):
    key, frontier = new_key(), Frontier()
    for leaf in leaves(entries):
        frontier = frontier.append(leaf)
    checkpoint = open_checkpoint(sign_checkpoint(frontier, key), key.public)
    assert (checkpoint.size, checkpoint.root) == (len(entries), naive_root(entries))


def test_a_checkpoint_is_a_signed_note_that_other_tools_read():
    # C2SP signed-note: text, blank line, "— name base64(key hash || signature)"; the key hash is
    # SHA-256(name || 0x0A || 0x01 || key)[:4]. Taken apart here without the project's own parser.
    key = new_key()
    note = sign_checkpoint(Frontier().append(leaf_hash(b"")), key)
    text, signature = note.split("\n\n")
    origin, size, root = text.split("\n")
    mark, name, blob = signature.strip().split(" ")
    raw = base64.b64decode(blob)
    expected = sha256(name.encode() + b"\n\x01" + key.public.raw).digest()[:4]
    assert (mark, name, size, base64.b64decode(root).hex()) == ("—", origin, "1", CT_ROOTS[1])
    assert raw[:4] == expected
    assert key.public.verifies(raw[4:], (text + "\n").encode())
    assert verifier_key(key.public).split("+", 2)[:2] == [origin, expected.hex()]


def test_a_checkpoint_of_another_key_is_refused():
    note = sign_checkpoint(Frontier(), new_key())
    with pytest.raises(TamperingFound, match="not signed by this installation"):
        open_checkpoint(note, new_key().public)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_no_altered_checkpoint_is_accepted(data: st.DataObject):
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    note = sign_checkpoint(Frontier().append(leaf_hash(b"x")), key)
    signed = note.index("\n\n") + 1
    place = data.draw(st.integers(0, signed - 1))
    character = data.draw(st.characters(codec="utf-8"))
    altered = note[:place] + character + note[place + 1 :]
    if altered == note:
        return
    with pytest.raises((TamperingFound, InputError)):
        open_checkpoint(altered, key.public)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "hello",
        "another log\n1\nAAAA\n\n— another log AAAA\n",
        "greenlight/audit\nmany\nAAAA\n\n— greenlight/audit AAAA\n",
        "greenlight/audit\n²\nAAAA\n\n— greenlight/audit AAAA\n",
    ],
)
def test_what_is_no_checkpoint_is_told_apart_from_a_forged_one(note: str):
    with pytest.raises(InputError, match="not a Greenlight checkpoint"):
        open_checkpoint(note, new_key().public)


def test_a_signature_that_is_no_base64_does_not_count():
    note = sign_checkpoint(Frontier(), new_key())
    with pytest.raises(TamperingFound):
        open_checkpoint(note.split("\n\n")[0] + "\n\n— greenlight/audit $$$\n", new_key().public)
