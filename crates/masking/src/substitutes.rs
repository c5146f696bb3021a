use gatewright_model::InfoType;

/// Where the substitutes come from that need more than the value itself: tokens that can be taken back, and keyed
/// pseudonyms. [`Minter`](crate::Minter) is the one for calls.
pub trait Substitutes {
    /// The token that stands for this value; the same value gets the same token.
    fn token(&mut self, info_type: &InfoType, original: &str) -> String;

    /// The pseudonym of this value; the same value gets the same pseudonym under the same key.
    fn pseudonym(&mut self, info_type: &InfoType, original: &str) -> String;
}
