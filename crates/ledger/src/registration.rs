use std::sync::Arc;

use gatewright_model::{Digest, Timestamp};

use crate::cbor::{Malformed, Reader, Writer};

const VERSION: u64 = 1;

/// An entry of the register: a log of its own, signed by the root key, that names every log of a data folder when it is
/// opened, once a minute while it lives, and when it is closed. It makes silence and a missing log visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// What happened.
    pub occasion: Occasion,
    /// When.
    pub at: Timestamp,
    /// Which log.
    pub origin: Arc<str>,
    /// How many leaves it had.
    pub size: u64,
    /// The root of its tree then.
    pub root: Digest,
}

/// Why a log is entered in the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// It was begun.
    Opened,
    /// It lives, whether or not anything was added.
    Alive,
    /// It ended: in order, or as the next start found it.
    Closed,
}

impl Occasion {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Alive => "alive",
            Self::Closed => "closed",
        }
    }
}

impl Registration {
    /// Its canonical bytes: CBOR `[version, occasion, microseconds, origin, size, root]`.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(192);
        writer.array(6);
        writer.unsigned(VERSION);
        writer.text(self.occasion.name());
        writer.unsigned(self.at.micros());
        writer.text(&self.origin);
        writer.unsigned(self.size);
        writer.bytes(&self.root);
        writer.into_bytes()
    }

    /// Reads an entry that anybody may have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.array_of(6)?;
        if reader.unsigned()? != VERSION {
            return Err(Malformed::Version);
        }
        let name = reader.text()?;
        let occasions = [Occasion::Opened, Occasion::Alive, Occasion::Closed];
        let occasion = occasions.into_iter().find(|occasion| occasion.name() == name).ok_or(Malformed::Value)?;
        let at = Timestamp::from_micros(reader.unsigned()?);
        let origin = reader.text()?.into();
        let size = reader.unsigned()?;
        let root = reader.bytes()?.try_into().map_err(|_| Malformed::Value)?;
        reader.end()?;
        Ok(Self { occasion, at, origin, size, root })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_they_were_written_and_in_no_other_form() {
        for occasion in [Occasion::Opened, Occasion::Alive, Occasion::Closed] {
            let at = Timestamp::from_seconds(1_795_000_000);
            let entry = Registration { occasion, at, origin: "log.example/d/0a/7".into(), size: 300, root: [9; 32] };
            let bytes = entry.encode();
            assert_eq!(Registration::decode(&bytes), Ok(entry));
            for length in 0..bytes.len() {
                assert!(Registration::decode(&bytes[..length]).is_err());
            }
            assert!(Registration::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        }
    }
}
