use gatewright_model::Digest;

use crate::tree::{empty_root, node_hash};

/// The proof that the leaf at `index` is in the tree over these leaf hashes (RFC 6962, section 2.1.1); `None` where
/// there is no such leaf.
pub fn inclusion_proof(leaves: &[Digest], index: u64) -> Option<Vec<Digest>> {
    let index = usize::try_from(index).ok().filter(|index| *index < leaves.len())?;
    let mut proof = Vec::new();
    path(leaves, index, &mut proof);
    Some(proof)
}

/// The proof that the tree over these leaf hashes begins with the tree over the first `old` of them (RFC 6962, section
/// 2.1.2); `None` where it is larger.
pub fn consistency_proof(leaves: &[Digest], old: u64) -> Option<Vec<Digest>> {
    let old = usize::try_from(old).ok().filter(|old| *old <= leaves.len())?;
    let mut proof = Vec::new();
    if old > 0 && old < leaves.len() {
        subproof(leaves, old, Whole::Yes, &mut proof);
    }
    Some(proof)
}

/// Whether the leaf is at `index` in the tree of this size and root (RFC 9162, section 2.1.3.2).
pub fn verify_inclusion(proof: &[Digest], leaf: Digest, index: u64, size: u64, root: &Digest) -> Result<(), BadProof> {
    if index >= size {
        return Err(BadProof);
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return Err(BadProof);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == *root { Ok(()) } else { Err(BadProof) }
}

/// Whether the tree of the new size and root begins with the tree of the old size and root (RFC 9162, section 2.1.4.2).
pub fn verify_consistency(proof: &[Digest], old: (u64, &Digest), new: (u64, &Digest)) -> Result<(), BadProof> {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size > new_size {
        return Err(BadProof);
    }
    if old_size == new_size || old_size == 0 {
        let roots_agree = if old_size == 0 { *old_root == empty_root() } else { old_root == new_root };
        return if proof.is_empty() && roots_agree { Ok(()) } else { Err(BadProof) };
    }
    // A perfect old tree is itself the first node of the path and is left out of the proof.
    let (first, rest) =
        if old_size.is_power_of_two() { (old_root, proof) } else { proof.split_first().ok_or(BadProof)? };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(BadProof);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && old_hash == *old_root && new_hash == *new_root { Ok(()) } else { Err(BadProof) }
}

/// A proof that proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not hold")]
pub struct BadProof;

/// Whether a subtree is the whole old tree, whose root the verifier knows already.
#[derive(Clone, Copy)]
enum Whole {
    Yes,
    No,
}

/// MTH of RFC 6962, section 2.1.
fn root_of(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root_of(left), &root_of(right))
        }
    }
}

/// The largest power of two below `count`, which is 2 at least.
const fn split(count: usize) -> usize {
    1 << (count - 1).ilog2()
}

fn path(leaves: &[Digest], index: usize, proof: &mut Vec<Digest>) {
    if leaves.len() < 2 {
        return;
    }
    let at = split(leaves.len());
    let (left, right) = leaves.split_at(at);
    if index < at {
        path(left, index, proof);
        proof.push(root_of(right));
    } else {
        path(right, index - at, proof);
        proof.push(root_of(left));
    }
}

fn subproof(leaves: &[Digest], old: usize, whole: Whole, proof: &mut Vec<Digest>) {
    if old == leaves.len() {
        match whole {
            Whole::Yes => {}
            Whole::No => proof.push(root_of(leaves)),
        }
        return;
    }
    let at = split(leaves.len());
    let (left, right) = leaves.split_at(at);
    if old <= at {
        subproof(left, old, whole, proof);
        proof.push(root_of(right));
    } else {
        subproof(right, old - at, Whole::No, proof);
        proof.push(root_of(left));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Frontier, leaf_hash};

    fn leaves(count: u64) -> Vec<Digest> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    #[test]
    fn roots_are_those_of_the_certificate_transparency_vectors() {
        // The eight leaves and roots that the reference implementation of RFC 6962 is tested with.
        let vectors = [
            ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
            ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
            ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
            ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
            ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ];
        let mut frontier = Frontier::new();
        let mut hashes = Vec::new();
        for (leaf, root) in vectors {
            let leaf = gatewright_model::from_hex(leaf).expect("a literal");
            frontier.push(leaf_hash(&leaf));
            hashes.push(leaf_hash(&leaf));
            assert_eq!(gatewright_model::to_hex(&frontier.root()), root);
            assert_eq!(root_of(&hashes), frontier.root());
        }
    }

    #[test]
    fn every_proof_of_every_tree_up_to_130_leaves_holds_and_no_other_does() {
        let all = leaves(130);
        for size in 0..=130_u64 {
            let tree = &all[..size as usize];
            let root = root_of(tree);
            for index in 0..size {
                let proof = inclusion_proof(tree, index).expect("the index is in the tree");
                assert_eq!(verify_inclusion(&proof, tree[index as usize], index, size, &root), Ok(()));
                assert_eq!(
                    verify_inclusion(&proof, all[129 - index as usize], index, size, &root).is_ok(),
                    index == 129 - index
                );
                if index > 0 {
                    assert!(verify_inclusion(&proof, tree[index as usize], index - 1, size, &root).is_err());
                }
            }
            for old in 0..=size {
                let proof = consistency_proof(tree, old).expect("the old tree is smaller");
                let old_root = root_of(&all[..old as usize]);
                assert_eq!(verify_consistency(&proof, (old, &old_root), (size, &root)), Ok(()), "{old} {size}");
                let other = leaf_hash(b"another history");
                assert!(verify_consistency(&proof, (old, &other), (size, &root)).is_err(), "{old} {size}");
                assert!(verify_consistency(&proof, (old, &old_root), (size, &other)).is_err() || old == 0);
            }
        }
        assert_eq!(inclusion_proof(&all, 130), None);
        assert_eq!(consistency_proof(&all, 131), None);
    }
}
