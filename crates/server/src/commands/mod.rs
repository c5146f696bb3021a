//! What the binary's commands do. Each prints its own answer and says how it went by an [`Outcome`].

pub mod access;
pub(crate) mod api;
pub mod approvals;
pub mod config;
pub mod ledger;
pub mod login;
pub mod mask;
pub mod notifications;
pub mod policy;
pub mod quickstart;
pub mod records;
pub mod serve;
pub mod sessions;
pub mod tail;
pub mod witness;

use std::process::ExitCode;

/// Whom a command speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// People.
    Text,
    /// Programs: one JSON value.
    Json,
}

/// How a command went; the exit codes are a contract (`tests/golden/exit-codes.tsv`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Holds,
    /// A finding: verification failed, a test failed, refused.
    Finding,
    /// The command line means nothing.
    Usage,
    /// The configuration is bad.
    BadConfiguration,
    /// A needed service is unreachable.
    Unreachable,
    /// Something failed that should not.
    Internal,
}

impl Outcome {
    /// Every outcome there is.
    pub const ALL: [Self; 6] =
        [Self::Holds, Self::Finding, Self::Usage, Self::BadConfiguration, Self::Unreachable, Self::Internal];

    /// The process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Holds => 0,
            Self::Finding => 1,
            Self::Usage => 2,
            Self::BadConfiguration => 64,
            Self::Unreachable => 69,
            Self::Internal => 70,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome.code())
    }
}

/// Says on standard error what went wrong, and how it is to be taken.
#[allow(clippy::print_stderr, reason = "a command's complaint is what it prints")]
pub(crate) fn complain(outcome: Outcome, words: &dyn std::fmt::Display) -> Outcome {
    eprintln!("gatewright: {words}");
    outcome
}

/// Prints an answer. A reader that closed the pipe has read enough.
pub(crate) fn answer(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Text as a terminal may show it: control characters, which could move its cursor or colour its words, made visible.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let hidden = matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        match character {
            '\n' | '\t' => shown.push(character),
            _ if character.is_control() || hidden => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_golden_ones() {
        let golden: Vec<u8> = include_str!("../../../../tests/golden/exit-codes.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split('\t').next()?.parse().ok())
            .collect();
        assert_eq!(Outcome::ALL.map(Outcome::code).to_vec(), golden);
    }

    #[test]
    fn a_terminal_is_not_commanded_by_a_record() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}c\nd"), "a\\u{1b}[2Jb\\u{202e}c\nd");
    }
}
