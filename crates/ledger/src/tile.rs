use std::fmt;

use gatewright_model::Digest;

use crate::tree::node_hash;

/// How many hashes a whole tile has, and how many entries a whole bundle.
pub const TILE_WIDTH: usize = 256;

/// A file of the C2SP tlog-tiles layout, named by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    /// Which kind.
    pub kind: TileKind,
    /// Its number, from the left.
    pub index: u64,
    /// How many hashes or entries it has: 1 to 256.
    pub width: usize,
}

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of this level; level 0 are the leaves', each of a level stands for 256 of the one below.
    Hashes(u8),
    /// The entries themselves, each behind its length in two bytes.
    Entries,
}

impl TilePath {
    /// Whether it is as wide as it can be, and will never change.
    pub const fn is_whole(&self) -> bool {
        self.width == TILE_WIDTH
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        // Three digits a folder, `x` before all but the last.
        let mut groups = vec![self.index % 1_000];
        let mut rest = self.index / 1_000;
        while rest > 0 {
            groups.push(rest % 1_000);
            rest /= 1_000;
        }
        while let Some(group) = groups.pop() {
            if groups.is_empty() { write!(f, "{group:03}")? } else { write!(f, "x{group:03}/")? }
        }
        if self.is_whole() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// Makes the tiles of a log as its leaves come: whole ones at once, the ragged right edge when it is asked for. Holds
/// one bundle and less than one tile a level.
#[derive(Clone, Debug, Default)]
pub struct Tiler {
    size: u64,
    entries: Vec<u8>,
    levels: Vec<Vec<Digest>>,
}

impl Tiler {
    /// A tiler before the first leaf.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many leaves there were.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf and its hash, and shows each tile that it makes whole. The leaf is shorter than 65,536 bytes.
    pub fn push<E>(
        &mut self,
        leaf: &[u8],
        hash: Digest,
        show: &mut impl FnMut(TilePath, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.entries.extend_from_slice(&u16::try_from(leaf.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.entries.extend_from_slice(leaf);
        self.size += 1;
        if self.size.is_multiple_of(TILE_WIDTH as u64) {
            let index = self.size / TILE_WIDTH as u64 - 1;
            show(TilePath { kind: TileKind::Entries, index, width: TILE_WIDTH }, &self.entries)?;
            self.entries.clear();
        }
        let mut hash = hash;
        for level in 0_u8.. {
            if usize::from(level) == self.levels.len() {
                self.levels.push(Vec::with_capacity(TILE_WIDTH));
            }
            let hashes = &mut self.levels[usize::from(level)];
            hashes.push(hash);
            if hashes.len() < TILE_WIDTH {
                break;
            }
            let index = (self.size >> (8 * (u32::from(level) + 1))) - 1;
            show(TilePath { kind: TileKind::Hashes(level), index, width: TILE_WIDTH }, hashes.as_flattened())?;
            hash = perfect_root(hashes);
            hashes.clear();
        }
        Ok(())
    }

    /// Shows the tiles of the right edge that are not whole.
    pub fn edge<E>(&self, show: &mut impl FnMut(TilePath, &[u8]) -> Result<(), E>) -> Result<(), E> {
        let width = usize::try_from(self.size % TILE_WIDTH as u64).unwrap_or(0);
        if width > 0 {
            show(TilePath { kind: TileKind::Entries, index: self.size / TILE_WIDTH as u64, width }, &self.entries)?;
        }
        for (level, hashes) in (0_u8..).zip(&self.levels) {
            if !hashes.is_empty() {
                let index = self.size >> (8 * (u32::from(level) + 1));
                let path = TilePath { kind: TileKind::Hashes(level), index, width: hashes.len() };
                show(path, hashes.as_flattened())?;
            }
        }
        Ok(())
    }
}

/// The root over as many hashes as a power of two.
fn perfect_root(hashes: &[Digest]) -> Digest {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        level = level.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    level.first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use super::*;
    use crate::tree::{Frontier, leaf_hash};

    #[test]
    fn paths_are_those_of_the_specification() {
        let path = |kind, index, width| TilePath { kind, index, width }.to_string();
        assert_eq!(path(TileKind::Hashes(0), 0, 256), "tile/0/000");
        assert_eq!(path(TileKind::Hashes(3), 1_234_067, 256), "tile/3/x001/x234/067");
        assert_eq!(path(TileKind::Entries, 999, 112), "tile/entries/999.p/112");
        assert_eq!(path(TileKind::Hashes(1), 1_000, 8), "tile/1/x001/000.p/8");
    }

    #[test]
    fn the_tiles_of_a_log_hold_its_leaves_and_its_root() {
        let size = 66_000_u64;
        let (mut tiler, mut tree) = (Tiler::new(), Frontier::new());
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut keep = |path: TilePath, bytes: &[u8]| {
            assert!(files.insert(path.to_string(), bytes.to_vec()).is_none(), "{path} twice");
            Ok::<(), Infallible>(())
        };
        for number in 0..size {
            let leaf = number.to_be_bytes();
            tree.push(leaf_hash(&leaf));
            let Ok(()) = tiler.push(&leaf, leaf_hash(&leaf), &mut keep);
        }
        let Ok(()) = tiler.edge(&mut keep);
        assert_eq!(files["tile/entries/000"][..12], [0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8]);
        assert_eq!(files["tile/0/000"][..32], leaf_hash(&0_u64.to_be_bytes()));
        // 66,000 = 257 * 256 + 208, and 257 = 1 * 256 + 1.
        assert_eq!(files["tile/0/257.p/208"].len(), 208 * 32);
        assert_eq!(files["tile/1/000"].len(), 8_192);
        assert_eq!(files["tile/1/001.p/1"], perfect_root(&hashes(&files["tile/0/256"])));
        assert_eq!(files["tile/2/000.p/1"], perfect_root(&hashes(&files["tile/1/000"])));
        let mut again = Frontier::new();
        for index in 0..258 {
            let width = if index == 257 { 208 } else { 256 };
            let path = TilePath { kind: TileKind::Hashes(0), index, width }.to_string();
            hashes(&files[&path]).into_iter().for_each(|hash| again.push(hash));
        }
        assert_eq!(again.root(), tree.root());
    }

    fn hashes(tile: &[u8]) -> Vec<Digest> {
        tile.as_chunks::<32>().0.to_vec()
    }
}
