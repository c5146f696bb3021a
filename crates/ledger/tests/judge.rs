//! Another implementation of RFC 6962's trees (ct-merkle, on another SHA-256) judges ours, and ours judges it.
#![allow(clippy::unwrap_used, reason = "tests")]

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof};
use gatewright_ledger::{
    Frontier, consistency_proof, inclusion_proof, leaf_hash, verify_consistency, verify_inclusion,
};
use sha2::Sha256;

type Theirs = MemoryBackedTree<Sha256, Vec<u8>>;

const SIZE: u64 = 70;

fn leaf(number: u64) -> Vec<u8> {
    format!("leaf {number}").into_bytes()
}

fn theirs(size: u64) -> Theirs {
    let mut tree = Theirs::new();
    (0..size).for_each(|number| tree.push(leaf(number)));
    tree
}

fn hashes(bytes: &[u8]) -> Vec<[u8; 32]> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    assert!(rest.is_empty());
    hashes.to_vec()
}

#[test]
fn roots_and_proofs_agree_both_ways() {
    let leaves: Vec<_> = (0..SIZE).map(|number| leaf_hash(&leaf(number))).collect();
    for size in 1..=SIZE {
        let tree = theirs(size);
        let mut ours = Frontier::new();
        leaves[..size as usize].iter().for_each(|leaf| ours.push(*leaf));
        assert_eq!(tree.root().as_bytes().as_slice(), ours.root(), "{size}");
        for index in 0..size {
            let proof = inclusion_proof(&leaves[..size as usize], index).unwrap();
            let judged = InclusionProof::<Sha256>::try_from_bytes(proof.concat()).unwrap();
            assert!(tree.root().verify_inclusion(&leaf(index), index, &judged).is_ok(), "{index} of {size}");
            let given = hashes(tree.prove_inclusion(index as usize).as_bytes());
            assert_eq!(verify_inclusion(&given, leaves[index as usize], index, size, &ours.root()), Ok(()));
        }
        for old in 1..size {
            let before = theirs(old).root();
            let proof = consistency_proof(&leaves[..size as usize], old).unwrap();
            let judged = ConsistencyProof::<Sha256>::try_from_bytes(proof.concat()).unwrap();
            assert!(tree.root().verify_consistency(&before, &judged).is_ok(), "{old} to {size}");
            let given = hashes(tree.prove_consistency((size - old) as usize).as_bytes());
            let old_root = before.as_bytes().as_slice().try_into().unwrap();
            assert_eq!(verify_consistency(&given, (old, &old_root), (size, &ours.root())), Ok(()));
        }
    }
}
