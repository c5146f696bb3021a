//! Looking at many bytes at once, in a shape that the compiler turns into vector instructions.

/// Whether any byte is one of those. Blocks of a fixed length, and no early exit within one.
#[inline]
pub(crate) fn any(bytes: &[u8], is: impl Fn(u8) -> bool + Copy) -> bool {
    let (blocks, rest) = bytes.as_chunks::<32>();
    let (eights, rest) = rest.as_chunks::<8>();
    blocks.iter().any(|block| any_of(block, is))
        || eights.iter().any(|block| any_of(block, is))
        || rest.iter().any(|byte| is(*byte))
}

#[inline]
pub(crate) fn any_of<const N: usize>(block: &[u8; N], is: impl Fn(u8) -> bool) -> bool {
    block.iter().fold(0, |found, byte| found | u8::from(is(*byte))) != 0
}
