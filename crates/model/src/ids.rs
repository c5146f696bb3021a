use std::fmt;
use std::str::FromStr;

use crate::{Entropy, Timestamp, from_hex, to_hex};

/// A text that is not an identifier of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: expected the prefix {expected} and 32 lower-case hexadecimal digits")]
pub struct BadId {
    expected: &'static str,
}

/// A version 7 UUID (RFC 9562, section 5.7): 48 bits of milliseconds, then random bits.
fn uuid_v7(at: Timestamp, entropy: &dyn Entropy) -> [u8; 16] {
    let mut bytes = [0_u8; 16];
    entropy.fill(&mut bytes[6..]);
    bytes[..6].copy_from_slice(&at.millis().to_be_bytes()[2..]);
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    bytes
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What its text form starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new identifier: a version 7 UUID, so that later ones sort later.
            pub fn new(at: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(uuid_v7(at, entropy))
            }

            /// The identifier with these 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Its 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(&to_hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                text.strip_prefix($prefix)
                    .and_then(from_hex)
                    .and_then(|bytes| bytes.try_into().ok())
                    .map(Self)
                    .ok_or(BadId { expected: $prefix })
            }
        }
    };
}

id!(/// One request and its journey.
    RequestId, "req_");
id!(/// A thread of calls of one caller and conversation.
    SessionId, "ses_");
id!(/// A person's decision, asked for or given.
    ApprovalId, "apr_");
id!(/// A time-boxed role.
    GrantId, "grt_");
id!(/// Something lent for the length of a call.
    LeaseId, "lse_");
id!(/// Something that people are told of an approval, through one channel.
    NotificationId, "ntf_");
id!(/// A signing or sealing key.
    KeyId, "key_");
id!(/// A network-resident agent.
    AgentId, "agt_");

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0x77);
        }
    }

    #[test]
    fn is_a_version_7_uuid_with_a_prefix() {
        let id = RequestId::new(Timestamp::from_micros(0x0198_0000_0001 * 1_000), &Sevens);
        assert_eq!(id.to_string(), "req_01980000000177 77b777777777777777".replace(' ', ""));
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn refuses_another_kind() {
        let session = "ses_01980000000177 77b777777777777777".replace(' ', "");
        assert!(session.parse::<RequestId>().is_err());
        assert!(session.parse::<SessionId>().is_ok());
        assert!(session[..35].parse::<SessionId>().is_err());
    }
}
