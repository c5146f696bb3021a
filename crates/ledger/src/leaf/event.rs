use gatewright_model::{Event, Moment};

use super::field::Field;
use crate::cbor::{Malformed, Reader, Writer};

/// Writes the two directions from one table, so that they cannot disagree. The match over events is exhaustive: a new
/// variant, or a new field, does not compile before it has its place here.
///
/// A line, once released, never changes, but that fields may be added behind its `+`. Those are options: what is absent at
/// the end is not written at all, so that a leaf of a release that did not know the field reads as one that lacks it, and
/// is written again byte for byte.
macro_rules! events {
    ($($variant:ident = $name:literal { $($field:ident),* } $(+ { $($later:ident),* })?;)*) => {
        impl Field for Moment {
            fn write(&self, writer: &mut Writer) {
                match &self.event {
                    $(Event::$variant { $($field,)* $($($later),*)? } => {
                        let later: &[(&str, bool)] = &[$($((stringify!($later), $later.is_some())),*)?];
                        let later = written(later);
                        writer.array(2 + [$(stringify!($field)),*].len() + later.len());
                        self.at.write(writer);
                        writer.text($name);
                        $($field.write(writer);)*
                        $($(if later.iter().any(|(name, _)| *name == stringify!($later)) {
                            $later.write(writer);
                        })*)?
                    })*
                }
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                let length = reader.array()?;
                let at = Field::read(reader)?;
                let event = match reader.text()? {
                    $($name => {
                        let known: &[&str] = &[$($(stringify!($later)),*)?];
                        let more = length.checked_sub(2 + [$(stringify!($field)),*].len());
                        let _later = more.and_then(|more| known.get(..more)).ok_or(Malformed::Value)?;
                        $(let $field = Field::read(reader)?;)*
                        $($(let $later = match _later.contains(&stringify!($later)) {
                            true => Field::read(reader)?,
                            false => None,
                        };)*)?
                        Event::$variant { $($field,)* $($($later),*)? }
                    })*
                    _ => return Err(Malformed::Value),
                };
                Ok(Self { at, event })
            }
        }
    };
}

/// Later fields up to the last that is present.
fn written<'a>(later: &'a [(&'a str, bool)]) -> &'a [(&'a str, bool)] {
    let end = later.iter().rposition(|(_, present)| *present).map_or(0, |last| last + 1);
    &later[..end]
}

events! {
    Arrived = "arrived" { client, method, path };
    Refused = "refused" { code, param, rule, count };
    Authenticated = "authenticated" { issuer, subject, kind };
    Identified = "identified" { protocol, operation, model, connection, upstream, delivery, parameters, datasets };
    Examined = "examined" { found };
    Decided = "decided" { verdict, roles, rules, settings, epoch, catalogue } + { grounds };
    Held = "held" { rule, approval };
    Settled = "settled" { approval, verdict };
    Reviewed = "reviewed" { approval, review, issuer, subject };
    Notified = "notified" { approval, notification, occasion, channel, told, attempts };
    Alerted = "alerted" { side, passed };
    Noticed = "noticed" { side, rules };
    Charged = "charged" { to, reserved };
    Spent = "spent" { used };
    Opened = "opened" { session, request, masked };
    Durable = "durable" { waited };
    Forwarded = "forwarded" { attempt };
    FirstByte = "first_byte" { status };
    Chunk = "chunk" { length };
    Closed = "closed" { fate, status, answer, chunks, masked, usage };
    Reloaded = "reloaded" { epoch, configuration, catalogue };
    Granted = "granted" { grant, issuer, subject, role, until };
    Revoked = "revoked" { grant } + { issuer, subject };
    Lapsed = "lapsed" { grant };
    Leased = "leased" { lease, call, kind, step, datasets, issuer, subject, until };
    RecordRead = "record_read" { issuer, subject, session };
    RecordErased = "record_erased" { session };
    Visited = "visited" { issuer, subject, endpoint, verdict, rules };
    Versioned = "versioned" { issuer, subject, version, catalogue, previous };
    Shadowed = "shadowed" { issuer, subject, candidate };
    Doubted = "doubted" { call, about, verdict, authorizer, rules, catalogue };
    Started = "started" { build, configuration, catalogue, recovered, interrupted } + { log, previous };
    Stopped = "stopped" { leaves };
}
