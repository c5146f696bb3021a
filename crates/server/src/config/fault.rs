use std::sync::Arc;

pub use gatewright_policy::Fault;

/// A line and a column, from 1; zeros mean the file as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Mark {
    /// The file as a whole.
    pub const FILE: Self = Self { line: 0, column: 0 };
}

/// What is wrong with one file, gathered while reading goes on.
#[derive(Debug)]
pub(super) struct Faults {
    file: Arc<str>,
    found: Vec<Fault>,
}

impl Faults {
    pub(super) fn of(file: impl Into<Arc<str>>) -> Self {
        Self { file: file.into(), found: Vec::new() }
    }

    pub(super) fn add(&mut self, mark: Mark, message: impl Into<String>) {
        self.found.push(self.at(mark, message));
    }

    /// A fault of this file that is not added: a warning.
    pub(super) fn at(&self, mark: Mark, message: impl Into<String>) -> Fault {
        Fault { file: self.file.to_string(), line: mark.line, column: mark.column, message: message.into() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them, in the order of the file; a file that is wrong all over is not told to its end.
    pub(super) fn into_sorted(mut self) -> Vec<Fault> {
        const MOST: usize = 200;
        self.found.sort();
        self.found.dedup();
        if self.found.len() > MOST {
            let more = self.found.len() - MOST;
            self.found.truncate(MOST);
            self.found.push(self.at(Mark::FILE, format!("and {more} more faults")));
        }
        self.found
    }
}
