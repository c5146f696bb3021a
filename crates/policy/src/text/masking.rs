//! `masking:`, of the whole catalogue and of a role: what happens to a value that may not be seen.

use gatewright_model::{InfoType, Treatment, Trust};

use super::Node;
use super::reader::{Placed, Reader};

/// A way that a value can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To a model.
    In(Trust),
    /// Back to the caller.
    Out(Trust),
    /// To a model that makes vectors of texts, however far it is trusted: stored and queried vectors must agree.
    Embedded,
}

impl Way {
    /// How many there are.
    pub(crate) const COUNT: usize = 5;

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::In(Trust::Internal) => 0,
            Self::In(Trust::External) => 1,
            Self::Out(Trust::Internal) => 2,
            Self::Out(Trust::External) => 3,
            Self::Embedded => 4,
        }
    }

    /// What happens where nothing is written.
    pub(crate) const fn default_treatment(self) -> Treatment {
        match self {
            Self::In(Trust::Internal) => Treatment::Keep,
            Self::In(Trust::External) => Treatment::Token,
            Self::Out(Trust::Internal | Trust::External) => Treatment::Redact,
            Self::Embedded => Treatment::Pseudonym,
        }
    }
}

/// One treatment per way, where one is written.
pub(crate) type ByWay = [Option<Treatment>; Way::COUNT];

/// What is written, by way: for all info types, and for single ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MaskingText {
    pub(crate) all: ByWay,
    pub(crate) single: Vec<(Placed<InfoType>, ByWay)>,
}

impl MaskingText {
    /// The info types that it speaks of.
    pub(crate) fn info_types(&self) -> impl Iterator<Item = &Placed<InfoType>> {
        self.single.iter().map(|(info_type, _)| info_type)
    }
}

/// Reads `masking:`.
pub(super) fn read(reader: &mut Reader, node: &Node) -> MaskingText {
    let mut masking = MaskingText::default();
    let fields = reader.fields(node, &["internal", "external", "embed"]);
    for (trust, name) in [(Trust::Internal, "internal"), (Trust::External, "external")] {
        if let Some(node) = fields.get(name) {
            section(reader, node, &[("in", Way::In(trust)), ("out", Way::Out(trust))], &mut masking);
        }
    }
    if let Some(node) = fields.get("embed") {
        section(reader, node, &[("in", Way::Embedded)], &mut masking);
    }
    masking
}

/// `{ in: token, out: redact, types: { SECRET: { in: block } } }`.
fn section(reader: &mut Reader, node: &Node, ways: &[(&str, Way)], masking: &mut MaskingText) {
    let names: Vec<&str> = ways.iter().map(|(name, _)| *name).collect();
    let fields = reader.fields(node, &[names.as_slice(), &["types"]].concat());
    for (name, way) in ways {
        let read = fields.get(name).and_then(|node| treatment(reader, node));
        masking.all[way.index()] = read;
    }
    let Some(types) = fields.get("types") else { return };
    for (key, node) in reader.entries(types) {
        let place = reader.key_place(key);
        let Some(info_type) = InfoType::new(&key.name) else {
            let message = format!("{} is not an info type: A-Z, 0-9 and _, a letter first", super::quoted(&key.name));
            reader.fault(&place, message);
            continue;
        };
        let fields = reader.fields(node, &names);
        let mut by_way = ByWay::default();
        for (name, way) in ways {
            by_way[way.index()] = fields.get(name).and_then(|node| treatment(reader, node));
        }
        masking.single.push((Placed { value: info_type, place }, by_way));
    }
}

fn treatment(reader: &mut Reader, node: &Node) -> Option<Treatment> {
    let known: Vec<(&str, Treatment)> = Treatment::ALL.iter().map(|known| (known.name(), *known)).collect();
    reader.one_of(node, "treatment", &known)
}
