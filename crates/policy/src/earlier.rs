use std::collections::HashMap;
use std::sync::Arc;

use cedar_policy::Expression;

use crate::Landscape;
use crate::compile::{Placement, RolePart};
use crate::resources::Resources;
use crate::text::FileText;

/// What a later reading and compilation can use again of an earlier one: files that did not change, and roles whose text
/// and landscape did not. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Earlier(pub(crate) Arc<Reusable>);

#[derive(Debug)]
pub(crate) struct Reusable {
    pub(crate) landscape: Landscape,
    pub(crate) resources: Arc<Resources>,
    pub(crate) roles: Vec<Arc<RolePart>>,
    pub(crate) conditions: HashMap<String, Arc<Expression>>,
    pub(crate) shapes: HashMap<String, Placement>,
    pub(crate) files: Vec<Arc<FileText>>,
}
