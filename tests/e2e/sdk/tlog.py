"""An independent implementation of C2SP's log formats (aics-tlog) reads what the gateway publishes, and the witness
takes what it writes. Usage: tlog.py audit TREE VKEY | proof FILE VKEY | witness URL VKEY ORIGIN SEED | key ORIGIN SEED"""

import base64
import json
import sys
import urllib.error
import urllib.request

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import aics_tlog as tlog


def note_of(text, key):
    note = tlog.parse_note(text)
    checked = tlog.verify_checkpoint(note, key, expected_origin=key.name)
    assert checked.ok, checked
    return tlog.parse_checkpoint(note.text)


def audit(tree, vkey):
    key = tlog.parse_vkey(vkey)
    checkpoint = note_of(open(f"{tree}/checkpoint").read(), key)
    reader = tlog.FileSystemTileReader(tree)
    assert tlog.tree_root_from_tiles(reader, checkpoint.size) == checkpoint.root
    # Raises at the first tile or bundle that does not belong to the root.
    report = tlog.audit_tiles(reader, checkpoint.size, checkpoint.root)
    for index in {0, checkpoint.size // 2, checkpoint.size - 1}:
        entry = tlog.read_entry(reader, index, checkpoint.size)
        proof = tlog.inclusion_proof_from_tiles(reader, index, checkpoint.size)
        assert tlog.verify_inclusion(tlog.leaf_hash(entry), index, checkpoint.size, proof, checkpoint.root)
    return {"size": checkpoint.size, "origin": checkpoint.origin, "bundles": report.bundles}


def proof(file, vkey):
    said = json.load(open(file))
    checkpoint = note_of(said["checkpoint"], tlog.parse_vkey(vkey))
    path = [base64.b64decode(step) for step in said["path"]]
    leaf = tlog.leaf_hash(base64.b64decode(said["leaf"]))
    assert tlog.verify_inclusion(leaf, said["index"], checkpoint.size, path, checkpoint.root)
    return {"index": said["index"]}


def ask(url, old, proof, note):
    lines = [f"old {old}\n"] + [base64.b64encode(step).decode() + "\n" for step in proof] + ["\n", note]
    request = urllib.request.Request(f"{url}/add-checkpoint", "".join(lines).encode(), method="POST")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def witness(url, vkey, origin, seed):
    """A log of their making, cosigned by our witness."""
    key = tlog.parse_vkey(vkey)
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    leaves = [b"leaf %d" % number for number in range(40)]
    reader = tlog.TileWriter(leaves).to_memory_reader()
    root = lambda size: tlog.tree_root_from_tiles(tlog.TileWriter(leaves[:size]).to_memory_reader(), size)

    def signed(size, of):
        return tlog.sign_checkpoint(tlog.Checkpoint(origin, size, of), private, origin).serialise()

    seen = 0
    for size in (3, 3, 17, 40):
        steps = tlog.consistency_proof_from_tiles(reader, seen, size, len(leaves)) if 0 < seen < size else []
        status, line = ask(url, seen, steps, signed(size, root(size)))
        assert status == 200, (status, line)
        cosigned = tlog.parse_note(signed(size, root(size)) + line)
        blob = [each for each in cosigned.signatures if each.name == key.name][0]
        assert tlog.verify_checkpoint(
            cosigned, tlog.vkey_from_ed25519(origin, private.public_key()), [key], 1, expected_origin=origin
        ).ok, blob
        seen = size
    assert ask(url, 17, [], signed(40, root(40)))[0] == 409
    assert ask(url, 40, [], signed(40, b"x" * 32))[0] == 409
    assert ask(url, 40, [], signed(41, root(40)))[0] == 422
    other = Ed25519PrivateKey.generate()
    forged = tlog.sign_checkpoint(tlog.Checkpoint(origin, 40, root(40)), other, origin).serialise()
    assert ask(url, 40, [], forged)[0] == 403
    stranger = tlog.sign_checkpoint(tlog.Checkpoint("somebody/else", 1, b"x" * 32), other, "somebody/else").serialise()
    assert ask(url, 0, [], stranger)[0] == 404
    assert ask(url, "x", [], signed(40, root(40)))[0] == 400
    return {"seen": seen}


def key(origin, seed):
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    return {"key": tlog.format_vkey(tlog.vkey_from_ed25519(origin, private.public_key()))}


if __name__ == "__main__":
    print(json.dumps({"audit": audit, "proof": proof, "witness": witness, "key": key}[sys.argv[1]](*sys.argv[2:])))
