use gatewright_model::Channel;

/// Where a text stands, which decides the detectors that look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Words by themselves.
    Plain,
    /// A value inside a JSON document, at this path: `$.customer.items[0]`.
    Field(&'a str),
}

/// One text of a request, to be searched or rewritten in its place.
#[derive(Debug)]
pub struct Text<'a> {
    /// What kind of text it is, and of which message.
    pub channel: Channel,
    /// Where it stands.
    pub place: Place<'a>,
    /// The text, decoded.
    pub text: &'a mut String,
}
