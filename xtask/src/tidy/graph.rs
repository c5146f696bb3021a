use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::workspace::Workspace;

/// What an edge of the dependency graph is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// Compiled into the product.
    Product,
    /// Compiled into tests only.
    Test,
}

/// The packages of the build and who imports whom.
///
/// Two sources, since neither alone will do: `cargo metadata` tells tests' imports from the product's, but counts
/// optional packages that no feature turns on; `cargo tree` shows what is truly compiled in.
#[derive(Default)]
pub(super) struct Graph {
    members: BTreeSet<String>,
    edges: BTreeMap<String, BTreeSet<(String, Purpose)>>,
    compiled: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Asks cargo for the graph of this workspace.
    pub(super) fn read(workspace: &Workspace) -> Result<Self, String> {
        let metadata = ask(workspace, &["metadata", "--format-version", "1"])?;
        let metadata = serde_json::from_slice(&metadata)
            .map_err(|error| format!("cargo metadata's answer is no JSON: {error}"))?;
        let mut graph = Self::parse(&metadata).ok_or("cargo metadata's answer lacks the dependency graph")?;
        let tree = ask(
            workspace,
            &[
                "tree",
                "--workspace",
                "--target",
                "all",
                "--edges",
                "normal,no-proc-macro",
                "--prefix",
                "depth",
                "--format",
                " {p}",
            ],
        )?;
        graph.compiled = compiled(&String::from_utf8_lossy(&tree))?;
        Ok(graph)
    }

    fn parse(metadata: &Value) -> Option<Self> {
        let mut names = BTreeMap::new();
        for package in metadata["packages"].as_array()? {
            names.insert(package["id"].as_str()?, package["name"].as_str()?);
        }
        let mut graph = Self::default();
        for id in metadata["workspace_members"].as_array()? {
            graph.members.insert((*names.get(id.as_str()?)?).to_owned());
        }
        for node in metadata["resolve"]["nodes"].as_array()? {
            let from = *names.get(node["id"].as_str()?)?;
            for dependency in node["deps"].as_array()? {
                let to = *names.get(dependency["pkg"].as_str()?)?;
                for kind in dependency["dep_kinds"].as_array()? {
                    let purpose = if kind["kind"] == "dev" { Purpose::Test } else { Purpose::Product };
                    graph.add(from, to, purpose);
                }
            }
        }
        Some(graph)
    }

    pub(super) fn add(&mut self, from: &str, to: &str, purpose: Purpose) {
        self.edges.entry(from.to_owned()).or_default().insert((to.to_owned(), purpose));
    }

    #[cfg(test)]
    pub(super) fn of(members: &[&str], edges: &[(&str, &str, Purpose)]) -> Self {
        let mut graph = Self::default();
        graph.members.extend(members.iter().map(|&name| name.to_owned()));
        for &(from, to, purpose) in edges {
            graph.add(from, to, purpose);
            if purpose == Purpose::Product {
                graph.compiled.entry(from.to_owned()).or_default().insert(to.to_owned());
            }
        }
        graph
    }

    /// The packages that this repository holds.
    pub(super) fn members(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(String::as_str)
    }

    /// Whether the repository holds this package.
    pub(super) fn is_member(&self, name: &str) -> bool {
        self.members.contains(name)
    }

    /// What a package imports directly.
    pub(super) fn imports(&self, from: &str) -> impl Iterator<Item = (&str, Purpose)> {
        self.edges.get(from).into_iter().flatten().map(|(to, purpose)| (to.as_str(), *purpose))
    }

    /// A chain of imports that are compiled into the product, from one package to another, if there is one.
    pub(super) fn path(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut open = VecDeque::from([from]);
        while let Some(here) = open.pop_front() {
            for next in self.compiled.get(here).into_iter().flatten().map(String::as_str) {
                if next != from && !came_from.contains_key(next) {
                    came_from.insert(next, here);
                    open.push_back(next);
                }
            }
        }
        came_from.get(to)?;
        let mut chain = vec![to.to_owned()];
        let mut here = to;
        while let Some(&before) = came_from.get(here) {
            chain.push(before.to_owned());
            here = before;
        }
        chain.reverse();
        Some(chain)
    }
}

fn ask(workspace: &Workspace, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let output = workspace
        .cargo(arguments)
        .output()
        .map_err(|error| format!("cargo {} cannot be run: {error}", arguments[0]))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("cargo {} failed: {}", arguments[0], String::from_utf8_lossy(&output.stderr).trim()))
    }
}

/// Reads `cargo tree`'s lines of depth and package: `2 hyper v1.12.0`.
fn compiled(tree: &str) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut above: Vec<String> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let mut fields = line.split(' ');
        let (Some(Ok(depth)), Some(name)) = (fields.next().map(str::parse::<usize>), fields.next()) else {
            return Err(format!("cargo tree printed a line of another shape: {line}"));
        };
        if depth > above.len() {
            return Err(format!("cargo tree skipped a level before: {line}"));
        }
        above.truncate(depth);
        if let Some(parent) = above.last() {
            edges.entry(parent.clone()).or_default().insert(name.to_owned());
        }
        above.push(name.to_owned());
    }
    if edges.is_empty() { Err("cargo tree printed no edge".into()) } else { Ok(edges) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_cargo_says() {
        let metadata = serde_json::json!({
            "packages": [{"id": "a#1", "name": "a"}, {"id": "b#1", "name": "b"}],
            "workspace_members": ["a#1"],
            "resolve": {"nodes": [{"id": "a#1", "deps": [
                {"pkg": "b#1", "dep_kinds": [{"kind": null}, {"kind": "dev"}]}]}]}
        });
        let graph = Graph::parse(&metadata).expect("it is well formed");
        assert!(graph.is_member("a") && !graph.is_member("b"));
        let imports: Vec<_> = graph.imports("a").collect();
        assert_eq!(imports, [("b", Purpose::Product), ("b", Purpose::Test)]);
    }

    #[test]
    fn an_answer_of_another_shape_is_no_empty_graph() {
        assert!(Graph::parse(&serde_json::json!({"packages": []})).is_none());
    }

    #[test]
    fn reads_the_tree_of_what_is_compiled() {
        let edges = compiled("0 a v1\n1 b v1\n2 c v1\n1 d v1\n2 b v1 (*)\n\n0 b v1 (*)\n").expect("it is well formed");
        let of = |name: &str| edges[name].iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!((of("a"), of("b"), of("d")), (vec!["b", "d"], vec!["c"], vec!["b"]));
        assert!(compiled("").is_err());
        assert!(compiled("0 a v1\n2 c v1\n").is_err());
        assert!(compiled("├── a v1\n").is_err());
    }

    #[test]
    fn a_path_ignores_what_only_tests_import() {
        let graph =
            Graph::of(&["a"], &[("a", "b", Purpose::Product), ("b", "c", Purpose::Product), ("b", "d", Purpose::Test)]);
        assert_eq!(graph.path("a", "c").expect("there is one"), ["a", "b", "c"]);
        assert_eq!(graph.path("a", "d"), None);
    }
}
