//! Lists of operations, singly or by the name of a group.

use gatewright_model::{Effect, Operation};

use super::node::Node;
use super::reader::{Reader, quoted};

/// Which operations a place may name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those on models: grants.
    Models,
    /// All: rules.
    Anything,
}

/// Names that stand for several operations. What takes a model, a dataset or a configuration out of the operator's
/// hands ([`is_explicit_only`]) is in none of them.
const GROUPS: [&str; 2] = ["inference", "manage-model"];

/// Whether an operation is about a dataset rather than a model.
pub(crate) const fn is_about_dataset(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::ReadDataset | Operation::WriteDataset | Operation::AdministerDataset | Operation::ExportDataset
    )
}

/// Whether only a role that names this very operation may allow it: no group, and no policy about every action.
pub(crate) const fn is_explicit_only(operation: Operation) -> bool {
    matches!(operation, Operation::ExportWeights | Operation::ConfigureModel | Operation::ExportDataset)
}

/// Whether this group of operations, which is also a group of Cedar actions, includes an operation.
pub(crate) fn includes(group: &str, operation: Operation) -> bool {
    match group {
        "inference" => operation.effect() == Effect::Inference,
        "manage-model" => matches!(
            operation,
            Operation::LoadModel
                | Operation::UnloadModel
                | Operation::PullModel
                | Operation::CreateModel
                | Operation::CopyModel
                | Operation::DeleteModel
                | Operation::ManageAdapters
        ),
        _ => false,
    }
}

/// Whether this is a group's name.
pub(crate) fn is_group(name: &str) -> bool {
    GROUPS.contains(&name)
}

/// Reads a list of operations and groups.
pub(super) fn operations(reader: &mut Reader, node: &Node, over: Reach) -> Vec<Operation> {
    let fits = |operation: &Operation| over == Reach::Anything || !is_about_dataset(*operation);
    let mut operations = Vec::new();
    for text in reader.texts(node) {
        let named: Vec<Operation> = match Operation::from_name(&text.value).filter(fits) {
            Some(operation) => vec![operation],
            None => Operation::ALL.iter().copied().filter(|operation| includes(&text.value, *operation)).collect(),
        };
        if named.is_empty() {
            let known: Vec<&str> = Operation::ALL.iter().filter(|known| fits(known)).map(|o| o.name()).collect();
            let message = format!(
                "unknown operation {}; known here: {}, and the groups {}",
                quoted(&text.value),
                known.join(", "),
                GROUPS.join(", ")
            );
            reader.fault(&text.place, message);
        }
        for operation in named {
            if operations.contains(&operation) {
                let message = match is_group(&text.value) {
                    true => format!("{} includes {operation}, which stands here already", quoted(&text.value)),
                    false => format!("{} stands twice", quoted(&text.value)),
                };
                reader.fault(&text.place, message);
            } else {
                operations.push(operation);
            }
        }
    }
    operations
}
