use crate::workspace::Workspace; pub(crate) fn run(_: &Workspace) -> bool { false }
