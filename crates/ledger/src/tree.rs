use gatewright_model::Digest;

use crate::commitment::sha256;

/// The hash of a leaf (RFC 6962, section 2.1): SHA-256 over 0x00 and the leaf's bytes.
pub fn leaf_hash(leaf: &[u8]) -> Digest {
    sha256(&[&[0], leaf])
}

/// The hash of an inner node: SHA-256 over 0x01 and its children's hashes.
pub(crate) fn node_hash(left: &Digest, right: &Digest) -> Digest {
    sha256(&[&[1], left, right])
}

/// The hash of the tree without leaves.
pub(crate) fn empty_root() -> Digest {
    sha256(&[])
}

/// The right edge of a Merkle tree (RFC 6962, section 2.1): enough to add leaves and to know the root, in 64 hashes at
/// most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// The roots of the perfect subtrees that the leaves fall into, the largest first: one for each bit of `size`.
    subtrees: Vec<Digest>,
}

impl Frontier {
    /// The edge of the tree without leaves.
    pub const fn new() -> Self {
        Self { size: 0, subtrees: Vec::new() }
    }

    /// The edge of a tree of this size, `None` unless there is one subtree for each bit of it.
    pub fn from_parts(size: u64, subtrees: Vec<Digest>) -> Option<Self> {
        (subtrees.len() == size.count_ones() as usize).then_some(Self { size, subtrees })
    }

    /// How many leaves the tree has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of its perfect subtrees, the largest first.
    pub fn subtrees(&self) -> &[Digest] {
        &self.subtrees
    }

    /// Adds a leaf by its [`leaf_hash`].
    pub fn push(&mut self, leaf: Digest) {
        let mut hash = leaf;
        // Each trailing one of the size is a perfect subtree of that height, which the new leaf completes.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    /// The tree's root.
    pub fn root(&self) -> Digest {
        let mut subtrees = self.subtrees.iter().rev();
        match subtrees.next() {
            None => empty_root(),
            Some(last) => subtrees.fold(*last, |right, left| node_hash(left, &right)),
        }
    }
}
