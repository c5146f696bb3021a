use std::borrow::Cow;
use std::sync::Arc;

use gatewright_model::{
    Amounts, ApprovalId, BodyRef, ChargedTo, Code, ConnectionName, DatasetBound, DatasetName, Delivery, Digest, Fate,
    GrantId, Grounds, InfoType, IssuerName, Kind, LeaseId, LeaseKind, LeaseStep, NotificationId, Occasion, Operation,
    Parameter, Parameters, Predecessor, Quantity, RequestId, Review, RoleName, RuleName, RuleRef, SessionId, Setting,
    Side, Standing, Tally, Timestamp, Told, Usage, Verdict, WhySet,
};

use crate::cbor::{Malformed, Reader, Writer};

/// A value that a leaf can hold.
pub(super) trait Field: Sized {
    fn write(&self, writer: &mut Writer);
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
}

impl<T: Field> Field for Option<T> {
    fn write(&self, writer: &mut Writer) {
        match self {
            Some(value) => value.write(writer),
            None => writer.null(),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        if reader.null() { Ok(None) } else { T::read(reader).map(Some) }
    }
}

impl<T: Field> Field for Vec<T> {
    fn write(&self, writer: &mut Writer) {
        writer.array(self.len());
        for value in self {
            value.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        // Grown as values come, not by the claimed length: a value is larger in memory than its shortest encoding.
        (0..reader.array()?).map(|_| T::read(reader)).collect()
    }
}

macro_rules! unsigned {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn write(&self, writer: &mut Writer) {
                writer.unsigned(u64::from(*self));
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                reader.unsigned()?.try_into().map_err(|_| Malformed::Value)
            }
        }
    )*};
}
unsigned!(u16, u32, u64);

macro_rules! text {
    ($($type:ty = $as_str:ident, $from:expr;)*) => {$(
        impl Field for $type {
            fn write(&self, writer: &mut Writer) {
                writer.text(self.$as_str());
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                let make: fn(&str) -> Option<Self> = $from;
                make(reader.text()?).ok_or(Malformed::Value)
            }
        }
    )*};
}
text! {
    Arc<str> = as_ref, |text| Some(text.into());
    Cow<'static, str> = as_ref, |text| Some(Cow::Owned(text.to_owned()));
    ConnectionName = as_str, |text| Some(text.into());
    DatasetName = as_str, |text| Some(text.into());
    IssuerName = as_str, |text| Some(text.into());
    RoleName = as_str, |text| Some(text.into());
    RuleName = as_str, |text| Some(text.into());
    InfoType = as_str, InfoType::new;
    Code = name, Code::from_name;
    Operation = name, Operation::from_name;
    Parameter = name, Parameter::from_name;
    Review = name, Review::from_name;
    LeaseKind = name, LeaseKind::from_name;
    LeaseStep = name, LeaseStep::from_name;
    Occasion = name, Occasion::from_name;
    Told = name, Told::from_name;
}

/// Enums that know their names but not the way back.
macro_rules! named {
    ($($type:ident { $($variant:ident = $name:literal),* })*) => {$(
        impl Field for $type {
            fn write(&self, writer: &mut Writer) {
                writer.text(match self { $(Self::$variant => $name,)* });
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                match reader.text()? {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(Malformed::Value),
                }
            }
        }
    )*};
}
named! {
    Kind { Person = "person", Workload = "workload" }
    Side { Request = "request", Answer = "answer" }
    Delivery { Whole = "whole", Stream = "stream" }
    Verdict { Allow = "allow", Hold = "hold", Deny = "deny" }
    WhySet { Default = "default", Clamped = "clamped" }
}

macro_rules! bytes {
    ($($type:ty = $as_bytes:expr, $from:expr;)*) => {$(
        impl Field for $type {
            fn write(&self, writer: &mut Writer) {
                let view: fn(&Self) -> &[u8] = $as_bytes;
                writer.bytes(view(self));
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                reader.bytes()?.try_into().map($from).map_err(|_| Malformed::Value)
            }
        }
    )*};
}
bytes! {
    Digest = |digest| digest, |bytes| bytes;
    RequestId = |id| id.as_bytes(), Self::from_bytes;
    SessionId = |id| id.as_bytes(), Self::from_bytes;
    ApprovalId = |id| id.as_bytes(), Self::from_bytes;
    GrantId = |id| id.as_bytes(), Self::from_bytes;
    LeaseId = |id| id.as_bytes(), Self::from_bytes;
    NotificationId = |id| id.as_bytes(), Self::from_bytes;
}

/// Structs as arrays of their fields, in this order.
macro_rules! structs {
    ($($type:ident { $($field:ident),* })*) => {$(
        impl Field for $type {
            fn write(&self, writer: &mut Writer) {
                let Self { $($field),* } = self;
                writer.array([$(stringify!($field)),*].len());
                $($field.write(writer);)*
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                reader.array_of([$(stringify!($field)),*].len())?;
                $(let $field = Field::read(reader)?;)*
                Ok(Self { $($field),* })
            }
        }
    )*};
}
structs! {
    Tally { info_type, count }
    BodyRef { commitment, length }
    Predecessor { origin, size, root }
    Amounts { requests, tokens, cost_micros, answer_bytes }
    ChargedTo { account, until }
    RuleRef { name, file, line }
    Setting { parameter, value, why }
    Standing { groups, unlisted, claims }
    DatasetBound { dataset, rule, top_k, rows, vectors, filter }
}

/// As an array of its fields. What the decision owes to grants stands last, and lacks where it owes them nothing.
impl Field for Grounds {
    fn write(&self, writer: &mut Writer) {
        let Self { standing, matched, approvals, datasets, grants } = self;
        writer.array(if grants.is_empty() { 4 } else { 5 });
        standing.write(writer);
        matched.write(writer);
        approvals.write(writer);
        datasets.write(writer);
        if !grants.is_empty() {
            grants.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let length = reader.array()?;
        let (standing, matched, approvals, datasets) =
            (Field::read(reader)?, Field::read(reader)?, Field::read(reader)?, Field::read(reader)?);
        let grants: Vec<GrantId> = match length {
            4 => Vec::new(),
            5 => Field::read(reader)?,
            _ => return Err(Malformed::Value),
        };
        // One spelling of each leaf: an empty list is left out.
        if length == 5 && grants.is_empty() {
            return Err(Malformed::Value);
        }
        Ok(Self { standing, matched, approvals, datasets, grants })
    }
}

/// A list that is shared rather than copied.
impl<T: Field> Field for Arc<[T]> {
    fn write(&self, writer: &mut Writer) {
        writer.array(self.len());
        for value in self.iter() {
            value.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Vec::<T>::read(reader).map(Self::from)
    }
}

/// `[name, value]`.
impl Field for (Arc<str>, Arc<str>) {
    fn write(&self, writer: &mut Writer) {
        writer.array(2);
        self.0.write(writer);
        self.1.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.array_of(2)?;
        Ok((Field::read(reader)?, Field::read(reader)?))
    }
}

/// 1 or 0.
impl Field for bool {
    fn write(&self, writer: &mut Writer) {
        writer.unsigned(u64::from(*self));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.unsigned()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::Value),
        }
    }
}

impl Field for Timestamp {
    fn write(&self, writer: &mut Writer) {
        writer.unsigned(self.micros());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.unsigned().map(Self::from_micros)
    }
}

/// `[input, output]`, and `[input, output, cached]` where some were cached: what was written before there was a third
/// number reads as ever.
impl Field for Usage {
    fn write(&self, writer: &mut Writer) {
        writer.array(if self.cached == 0 { 2 } else { 3 });
        self.input.write(writer);
        self.output.write(writer);
        if self.cached != 0 {
            self.cached.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let length = reader.array()?;
        let (input, output) = (Field::read(reader)?, Field::read(reader)?);
        let cached = match length {
            2 => 0,
            3 => Field::read(reader)?,
            _ => return Err(Malformed::Value),
        };
        Ok(Self { input, output, cached })
    }
}

/// A number of millionths, or the two neighbours of a value that lies between.
impl Field for Quantity {
    fn write(&self, writer: &mut Writer) {
        if self.floor_e6() == self.ceil_e6() {
            writer.signed(self.floor_e6());
        } else {
            writer.array(2);
            writer.signed(self.floor_e6());
            writer.signed(self.ceil_e6());
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (floor, ceil) = if reader.at_array() {
            reader.array_of(2)?;
            (reader.signed()?, reader.signed()?)
        } else {
            let exact = reader.signed()?;
            (exact, exact)
        };
        Self::from_neighbours(floor, ceil).ok_or(Malformed::Value)
    }
}

/// `[[name, value]…]` in the order of statement.
impl Field for Parameters {
    fn write(&self, writer: &mut Writer) {
        writer.array(self.iter().count());
        for (parameter, quantity) in self.iter() {
            writer.array(2);
            parameter.write(writer);
            quantity.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut parameters = Self::new();
        for _ in 0..reader.array()? {
            reader.array_of(2)?;
            let parameter = Field::read(reader)?;
            let quantity = Field::read(reader)?;
            // A second statement would be lost here and make the re-encoding differ: refused as not canonical.
            parameters.set(parameter, quantity);
        }
        Ok(parameters)
    }
}

/// The fate's name, or `["failed", code]`.
impl Field for Fate {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Failed(code) => {
                writer.array(2);
                writer.text(self.name());
                code.write(writer);
            }
            Self::Ended | Self::ClientLeft | Self::UpstreamCut | Self::Drained | Self::Interrupted => {
                writer.text(self.name());
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        if reader.at_array() {
            reader.array_of(2)?;
            return match reader.text()? {
                "failed" => Field::read(reader).map(Self::Failed),
                _ => Err(Malformed::Value),
            };
        }
        let fates = [Self::Ended, Self::ClientLeft, Self::UpstreamCut, Self::Drained, Self::Interrupted];
        let name = reader.text()?;
        fates.into_iter().find(|fate| fate.name() == name).ok_or(Malformed::Value)
    }
}
