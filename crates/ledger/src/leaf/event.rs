use gatewright_model::{Event, Moment};

use super::field::Field;
use crate::cbor::{Malformed, Reader, Writer};

/// Writes the two directions from one table, so that they cannot disagree. The match over events is exhaustive: a new
/// variant, or a new field, does not compile before it has its place here. A line, once released, never changes.
macro_rules! events {
    ($($variant:ident = $name:literal { $($field:ident),* };)*) => {
        impl Field for Moment {
            fn write(&self, writer: &mut Writer) {
                match &self.event {
                    $(Event::$variant { $($field),* } => {
                        writer.array(2 + [$(stringify!($field)),*].len());
                        self.at.write(writer);
                        writer.text($name);
                        $($field.write(writer);)*
                    })*
                }
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                let length = reader.array()?;
                let at = Field::read(reader)?;
                let event = match reader.text()? {
                    $($name => {
                        if length != 2 + [$(stringify!($field)),*].len() {
                            return Err(Malformed::Value);
                        }
                        $(let $field = Field::read(reader)?;)*
                        Event::$variant { $($field),* }
                    })*
                    _ => return Err(Malformed::Value),
                };
                Ok(Self { at, event })
            }
        }
    };
}

events! {
    Arrived = "arrived" { client, method, path };
    Refused = "refused" { code, param, rule, count };
    Authenticated = "authenticated" { issuer, subject, kind };
    Identified = "identified" { protocol, operation, model, connection, upstream, delivery, parameters, datasets };
    Examined = "examined" { found };
    Decided = "decided" { verdict, roles, rules, settings, epoch, catalogue };
    Held = "held" { rule, approval };
    Settled = "settled" { approval, verdict };
    Alerted = "alerted" { side, passed };
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
    Revoked = "revoked" { grant };
    RecordRead = "record_read" { issuer, subject, session };
    RecordErased = "record_erased" { session };
    Started = "started" { build, configuration, catalogue, recovered, interrupted };
    Stopped = "stopped" { leaves };
}
