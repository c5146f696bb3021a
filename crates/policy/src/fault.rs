use std::fmt;

/// One file of a catalogue: YAML (`.yaml`, `.yml`) or Cedar (`.cedar`), told apart by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file's name as faults and rules show it.
    pub name: String,
    /// Its whole text.
    pub text: String,
}

/// Something wrong with a catalogue, or worth a warning, with the place where a person can mend it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file's name.
    pub file: String,
    /// The line, from 1; 0 where the file as a whole is meant.
    pub line: u32,
    /// The column in characters, from 1; 0 where the line as a whole is meant.
    pub column: u32,
    /// What is wrong and what would be right.
    pub message: String,
}

/// `catalogue.yaml:12:7: …`, as compilers write it.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.line > 0 && self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_compilers_do() {
        let mut fault = Fault { file: "catalogue.yaml".into(), line: 12, column: 7, message: "no".into() };
        assert_eq!(fault.to_string(), "catalogue.yaml:12:7: no");
        fault.column = 0;
        assert_eq!(fault.to_string(), "catalogue.yaml:12: no");
        fault.line = 0;
        assert_eq!(fault.to_string(), "catalogue.yaml: no");
    }
}
