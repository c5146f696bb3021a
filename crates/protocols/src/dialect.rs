/// How a model server's protocol differs from the vendor's own: which further fields it knows.
///
/// A name that the protocol knows, checked when the configuration is read; see [`Protocol::dialect`](crate::Protocol).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// The vendor's own fields and no others.
    #[default]
    Vendor,
    /// One of the protocol's named dialects.
    Named(&'static str),
}
