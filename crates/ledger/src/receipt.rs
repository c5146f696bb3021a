use std::fmt;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gatewright_model::{Digest, RequestId, Timestamp};

use crate::cbor::{Malformed, Reader, Writer};
use crate::certificate::{Certificate, Origin};
use crate::commitment::sha256;
use crate::note::{BadNote, SigningKey, TrustedKey};
use crate::proof::verify_inclusion;
use crate::tree::{leaf_hash, node_hash};

const VERSION: u64 = 1;

/// The most characters of a receipt; a batch of 2^16 records makes one of about 1,300.
const LIMIT: usize = 4_096;

/// One record that a batch promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promised {
    /// Its index in the log.
    pub index: u64,
    /// Its leaf's hash.
    pub leaf: Digest,
    /// The journey that it belongs to.
    pub request: Option<RequestId>,
}

impl Promised {
    fn hash(&self) -> Digest {
        let request = self.request.as_ref().map_or(&[][..], |request| request.as_bytes());
        leaf_hash(&[&self.index.to_be_bytes(), &self.leaf[..], request].concat())
    }
}

/// The records that one commit made durable, and the log's state then, under one signature: signing for each record by
/// itself would cost a tenth of a call. Nothing is signed before somebody wants a receipt.
pub struct Batch {
    key: Arc<SigningKey>,
    certificate: Arc<Certificate>,
    size: u64,
    root: Digest,
    at: Timestamp,
    promised: Vec<Promised>,
    signed: OnceLock<Signed>,
}

struct Signed {
    /// The tree over the promises, its leaves first.
    levels: Vec<Vec<Digest>>,
    signature: [u8; 64],
}

impl Batch {
    /// The batch of these records, all of which are among the log's first `size`, whose root this is.
    pub fn new(
        (key, certificate): (Arc<SigningKey>, Arc<Certificate>),
        (size, root): (u64, Digest),
        at: Timestamp,
        promised: Vec<Promised>,
    ) -> Self {
        Self { key, certificate, size, root, at, promised, signed: OnceLock::new() }
    }

    /// The receipt of the batch's record of this position, from 0; `None` where there is none.
    pub fn receipt(&self, position: usize) -> Option<Receipt> {
        let promised = self.promised.get(position)?;
        let signed = self.signed.get_or_init(|| self.sign());
        let mut path = Vec::with_capacity(signed.levels.len());
        let mut at = position;
        for level in &signed.levels {
            // A hash without a neighbour is carried up as it is, which gives the tree of RFC 6962.
            path.extend(level.get(at ^ 1));
            at >>= 1;
        }
        Some(Receipt {
            certificate: self.certificate.clone(),
            size: self.size,
            root: self.root,
            at: self.at,
            promised: promised.clone(),
            position: position as u64,
            count: self.promised.len() as u64,
            path,
            signature: signed.signature,
        })
    }

    fn sign(&self) -> Signed {
        let mut levels = vec![self.promised.iter().map(Promised::hash).collect::<Vec<_>>()];
        while let Some(level) = levels.last()
            && level.len() > 1
        {
            let pair = |pair: &[Digest]| match pair {
                [left, right] => node_hash(left, right),
                _ => pair.first().copied().unwrap_or_default(),
            };
            levels.push(level.chunks(2).map(pair).collect());
        }
        let root = levels.last().and_then(|top| top.first()).copied().unwrap_or_default();
        let state = State { origin: self.certificate.origin(), size: self.size, root: &self.root, at: self.at };
        let signature = self.key.sign_bytes(state.text(self.promised.len() as u64, &root).as_bytes());
        Signed { levels, signature }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} promises at {})", self.promised.len(), self.size)
    }
}

/// What a batch's signature covers besides its promises: a checkpoint of the log.
struct State<'a> {
    origin: &'a str,
    size: u64,
    root: &'a Digest,
    at: Timestamp,
}

impl State<'_> {
    /// A checkpoint (C2SP tlog-checkpoint) with one extension line: whoever holds a receipt holds a checkpoint too.
    fn text(&self, count: u64, promises: &Digest) -> String {
        let (root, promises) = (STANDARD.encode(self.root), STANDARD.encode(promises));
        format!("{}\n{}\n{root}\npromises {count} {promises} {}\n", self.origin, self.size, self.at.micros())
    }
}

/// A log's signed promise that a record is in it. Compact enough for a header, checked with the root key alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    certificate: Arc<Certificate>,
    size: u64,
    root: Digest,
    at: Timestamp,
    promised: Promised,
    position: u64,
    count: u64,
    path: Vec<Digest>,
    signature: [u8; 64],
}

/// A text that is no receipt, or a receipt that nobody is bound by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReceipt {
    /// Not shaped like a receipt.
    #[error("it is not a receipt")]
    Shape,
    /// The trusted key does not vouch for the key of its log.
    #[error("the trusted key does not vouch for the log that it names")]
    Certificate,
    /// The log has not signed it.
    #[error("its signature does not hold")]
    Signature,
}

impl From<Malformed> for BadReceipt {
    fn from(_: Malformed) -> Self {
        Self::Shape
    }
}

impl Receipt {
    /// Reads a receipt and checks that the log that it names is bound by it. Nothing of an unchecked one can be seen.
    pub fn open(text: &str, root: &TrustedKey) -> Result<Self, BadReceipt> {
        let receipt = Self::parse(text)?;
        let key = receipt.certificate.open(root).map_err(|_| BadReceipt::Certificate)?;
        let promises = receipt.promises().ok_or(BadReceipt::Signature)?;
        let text = receipt.state().text(receipt.count, &promises);
        key.has_signed(text.as_bytes(), &receipt.signature).map_err(|_| BadReceipt::Signature)?;
        // A log can promise only what it has.
        if receipt.promised.index < receipt.size { Ok(receipt) } else { Err(BadReceipt::Signature) }
    }

    /// The name of the root key that it would have to be checked with.
    pub fn root_name(text: &str) -> Option<String> {
        let receipt = Self::parse(text).ok()?;
        Origin::parse(receipt.origin()).map(|origin| origin.root.to_owned())
    }

    /// Which log.
    pub fn origin(&self) -> &str {
        self.certificate.origin()
    }

    /// What it promises.
    pub const fn promised(&self) -> &Promised {
        &self.promised
    }

    /// When it was given.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// How many records the log had then, and its root: as good as a checkpoint.
    pub const fn state_then(&self) -> (u64, &Digest) {
        (self.size, &self.root)
    }

    /// The receipt as text: base64url of CBOR `[version, origin, key, certificate, size, root, microseconds, index,
    /// leaf, request or null, position, count, path, signature]`, the path in one string.
    pub fn to_text(&self) -> String {
        let mut writer = Writer::with_capacity(512);
        writer.array(14);
        writer.unsigned(VERSION);
        writer.text(self.origin());
        writer.bytes(&self.certificate.public());
        writer.bytes(self.certificate.signature());
        writer.unsigned(self.size);
        writer.bytes(&self.root);
        writer.unsigned(self.at.micros());
        writer.unsigned(self.promised.index);
        writer.bytes(&self.promised.leaf);
        match &self.promised.request {
            Some(request) => writer.bytes(request.as_bytes()),
            None => writer.null(),
        }
        writer.unsigned(self.position);
        writer.unsigned(self.count);
        writer.bytes(self.path.as_flattened());
        writer.bytes(&self.signature);
        URL_SAFE_NO_PAD.encode(writer.into_bytes())
    }

    fn parse(text: &str) -> Result<Self, BadReceipt> {
        let text = text.trim();
        if text.len() > LIMIT {
            return Err(BadReceipt::Shape);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadReceipt::Shape)?;
        let mut reader = Reader::new(&bytes);
        reader.array_of(14)?;
        if reader.unsigned()? != VERSION {
            return Err(BadReceipt::Shape);
        }
        let origin = reader.text()?;
        let (public, signature) = (fixed(&mut reader)?, fixed(&mut reader)?);
        let certificate = Certificate::from_parts(origin, public, signature).map_err(|_: BadNote| BadReceipt::Shape)?;
        let certificate = Arc::new(certificate);
        let (size, root) = (reader.unsigned()?, fixed(&mut reader)?);
        let at = Timestamp::from_micros(reader.unsigned()?);
        let (index, leaf) = (reader.unsigned()?, fixed(&mut reader)?);
        let request = if reader.null() { None } else { Some(RequestId::from_bytes(fixed(&mut reader)?)) };
        let (position, count) = (reader.unsigned()?, reader.unsigned()?);
        let (path, rest) = reader.bytes()?.as_chunks::<32>();
        let path = path.to_vec();
        let whole = rest.is_empty();
        let signature = fixed(&mut reader)?;
        reader.end()?;
        let promised = Promised { index, leaf, request };
        let receipt = Self { certificate, size, root, at, promised, position, count, path, signature };
        if whole && receipt.to_text() == text { Ok(receipt) } else { Err(BadReceipt::Shape) }
    }

    fn state(&self) -> State<'_> {
        State { origin: self.origin(), size: self.size, root: &self.root, at: self.at }
    }

    /// The root over the batch's promises, computed from this one up.
    fn promises(&self) -> Option<Digest> {
        let (mut at, mut last) = (self.position, self.count.checked_sub(1)?);
        let mut hash = self.promised.hash();
        let mut path = self.path.iter();
        while last > 0 {
            if at & 1 == 1 {
                hash = node_hash(path.next()?, &hash);
            } else if at < last {
                hash = node_hash(&hash, path.next()?);
            }
            at >>= 1;
            last >>= 1;
        }
        let own = self.promised.hash();
        verify_inclusion(&self.path, own, self.position, self.count, &hash).ok()?;
        Some(hash)
    }
}

fn fixed<const N: usize>(reader: &mut Reader<'_>) -> Result<[u8; N], BadReceipt> {
    reader.bytes()?.try_into().map_err(|_| BadReceipt::Shape)
}

/// A short name for a receipt's promise in reports.
impl fmt::Display for Promised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = sha256(&[&self.leaf]);
        write!(f, "record {} ({})", self.index, gatewright_model::to_hex(&hash[..4]))
    }
}

#[cfg(test)]
mod tests {
    use gatewright_model::Secret;

    use super::*;

    fn batch(count: u64) -> (Batch, TrustedKey) {
        let key = |name, seed| SigningKey::from_seed(name, Secret::new([seed; 32])).expect("a good name");
        let (root, log) = (key("log.example/d", 1), key("log.example/d/0a/7", 2));
        let certificate = Arc::new(Certificate::issue(&root, log.trusted()));
        let promised = |number| {
            let request = (number % 3 > 0).then_some(RequestId::from_bytes([4; 16]));
            Promised { index: 100 + number, leaf: [number as u8; 32], request }
        };
        let promised = (0..count).map(promised).collect();
        let state = (100 + count, [5; 32]);
        let at = Timestamp::from_seconds(1_795_000_000);
        (Batch::new((Arc::new(log), certificate), state, at, promised), root.trusted().clone())
    }

    #[test]
    fn every_record_of_a_batch_has_a_receipt_that_holds() {
        for count in 1..=70 {
            let (batch, root) = batch(count);
            for position in 0..count {
                let receipt = batch.receipt(position as usize).expect("it is in the batch");
                let text = receipt.to_text();
                assert_eq!(Receipt::open(&text, &root), Ok(receipt), "{position} of {count}");
                assert!(text.len() < 800, "{}", text.len());
            }
            assert!(batch.receipt(count as usize).is_none());
        }
    }

    #[test]
    fn a_receipt_of_which_any_bit_was_changed_binds_nobody() {
        let (batch, root) = batch(5);
        let text = batch.receipt(3).expect("it is in the batch").to_text();
        for at in 0..text.len() {
            for bit in 0..7 {
                let mut changed = text.clone().into_bytes();
                changed[at] ^= 1 << bit;
                let changed = String::from_utf8(changed).expect("ASCII stays ASCII");
                assert!(Receipt::open(&changed, &root).is_err() || changed.trim() == text, "bit {bit} of {at}");
            }
        }
        let other = SigningKey::from_seed("log.example/d", Secret::new([9; 32])).expect("a good name");
        assert_eq!(Receipt::open(&text, other.trusted()), Err(BadReceipt::Certificate));
    }
}
