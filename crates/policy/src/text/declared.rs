use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{InfoType, IssuerName, Operation, RoleName, RuleName};

/// Where something is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// An info type that the catalogue declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectorRule {
    /// Its name.
    pub name: InfoType,
    /// How its values are recognised.
    pub pattern: Pattern,
    /// Where it is declared.
    pub place: Place,
}

/// How values of an operator's info type are recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Words and phrases.
    Words(Vec<String>),
    /// A regular expression.
    Regex(String),
    /// Places in a JSON body: `$.customer.ssn`.
    Fields(Vec<String>),
    /// A file with a word or phrase a line, relative to the catalogue. Whoever reads files reads it.
    WordsFile(String),
}

/// What a content rule looks for: any of the words, or any of the regular expressions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentPattern {
    /// Words and phrases.
    pub words: Vec<String>,
    /// Regular expressions.
    pub regexes: Vec<String>,
}

/// Which calls a rule is about; an empty list does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applies {
    /// Callers with any of these roles.
    pub roles: Vec<RoleName>,
    /// Models by name.
    pub models: Vec<String>,
    /// Models by tag.
    pub tags: Vec<String>,
    /// Models by connection.
    pub connections: Vec<String>,
    /// Operations.
    pub operations: Vec<Operation>,
    /// Calls in whose texts any of these info types was found.
    pub found: Vec<InfoType>,
}

/// What a rule does with a call that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// It is refused.
    Refuse,
    /// It waits for the approval of this name.
    Hold(String),
    /// It goes on, and that the rule's patterns matched is told: on record and in the numbers.
    Alert,
}

/// A rule that looks at texts. Whether it is about a call's roles and models is decided by
/// [`Catalogue::decide`](crate::Catalogue::decide); whoever searches texts only says which patterns matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentRule {
    /// Its name.
    pub name: RuleName,
    /// What it looks for in a call's texts.
    pub prompt: Option<ContentPattern>,
    /// What it looks for in an answer's texts.
    pub answer: Option<ContentPattern>,
    /// What happens then.
    pub consequence: Consequence,
    /// Which calls it is about.
    pub applies: Applies,
    /// Where it is declared.
    pub place: Place,
}

/// Whether somebody who asks for an approval has to give a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasonPolicy {
    /// None is taken.
    None,
    /// One may be given.
    Optional,
    /// Without one there is no approval.
    Required,
}

/// Somebody who may decide a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approver {
    /// Whose word it is.
    pub issuer: IssuerName,
    /// The group that may decide.
    pub group: String,
    /// Where it is named.
    pub place: Place,
}

/// Who may lift a hold, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalText {
    /// Its name, which `then: { hold: … }` refers to.
    pub name: String,
    /// Who may decide.
    pub approvers: Vec<Approver>,
    /// How many of them must agree; 0 with a required reason is a justification step.
    pub need: u32,
    /// Whether the caller has to say why.
    pub reason: ReasonPolicy,
    /// How long a caller may wait on the open connection.
    pub wait: Duration,
    /// How long a decision stands.
    pub valid: Duration,
    /// For how many calls a decision counts.
    pub uses: u32,
    /// Where it is declared.
    pub place: Place,
}

impl Place {
    /// A fault at this place.
    pub(crate) fn fault(&self, message: impl Into<String>) -> crate::Fault {
        crate::Fault { file: self.file.to_string(), line: self.line, column: self.column, message: message.into() }
    }
}
