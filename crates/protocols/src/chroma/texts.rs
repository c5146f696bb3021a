use gatewright_json::Value;
use gatewright_model::{Channel, ChannelKind};

use super::fields::{self, Shape};
use super::filter::{visit_where, visit_where_document};
use crate::free::visit_free;
use crate::{Place, Route, Text};

/// Shows every text of a request that was read, in the order of its fields.
pub(super) fn visit(route: &Route, body: &mut Value, visit: &mut dyn FnMut(Text<'_>)) {
    let known = fields::of(route.id);
    let Some(body) = body.as_object_mut() else { return };
    for (name, value) in body.iter_mut() {
        let Some(field) = known.iter().find(|field| field.name == name) else { continue };
        match field.shape {
            // Callers choose ids, so a name or an address may stand there.
            Shape::Ids => visit_list(value, ChannelKind::Other, visit),
            Shape::Texts => visit_list(value, ChannelKind::Input, visit),
            Shape::Metadatas => {
                for (index, metadata) in value.as_array_mut().into_iter().flatten().enumerate() {
                    visit_free(metadata, &mut "$".to_owned(), at(ChannelKind::Other, index), visit);
                }
            }
            Shape::Metadata => visit_free(value, &mut "$".to_owned(), at(ChannelKind::Other, 0), visit),
            Shape::Where => visit_where(value, at(ChannelKind::Other, 0), visit),
            Shape::WhereDocument => visit_where_document(value, at(ChannelKind::Input, 0), visit),
            // Numbers, and words from a list. The collection's name is the configuration's.
            Shape::Name
            | Shape::Vectors
            | Shape::Include
            | Shape::Whole
            | Shape::Flag
            | Shape::Configuration
            | Shape::Nothing => {}
        }
    }
}

/// The channel of one record's text.
fn at(kind: ChannelKind, record: usize) -> Channel {
    Channel { kind, choice: 0, index: u32::try_from(record).unwrap_or(u32::MAX) }
}

fn visit_list(value: &mut Value, kind: ChannelKind, visit: &mut dyn FnMut(Text<'_>)) {
    for (index, item) in value.as_array_mut().into_iter().flatten().enumerate() {
        if let Value::String(text) = item {
            visit(Text { channel: at(kind, index), place: Place::Plain, text });
        }
    }
}
