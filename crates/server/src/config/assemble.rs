use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatewright_masking::{CustomPattern, CustomRule, Detectors, RuleFault};
use gatewright_model::{ConnectionName, Digest, InfoType, ModelName, RuleName, Trust};
use gatewright_policy::{
    BREAK_GLASS, Catalogue, CatalogueText, ContentPattern, ContentRule, DatasetFacts, DetectorRule, Earlier, Landscape,
    ModelFacts, Pattern, Place,
};

use super::catalogue::{LONGEST, at, bounded_text, custom_rules, custom_rules_with, sources, words_path};
use super::digest::sha256;
use super::ready::{self, CatalogueFrom};
use super::reload::Fingerprint;
use super::{Fault, Held, Purpose, Ready};

/// A configuration with everything that it refers to, read, compiled and held against each other.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub ready: Ready,
    /// The catalogue as written: its approvals and content rules.
    pub text: CatalogueText,
    /// The catalogue as it decides.
    pub catalogue: Catalogue,
    /// What is sensitive: the built-in detectors and the catalogue's own.
    pub detectors: Arc<Detectors>,
    /// What content rules look for in prompts; `None` where no rule does.
    pub prompt_rules: Option<ContentDetectors>,
    /// What content rules look for in answers; `None` where no rule does.
    pub answer_rules: Option<ContentDetectors>,
    /// What may be meant, and is probably wrong.
    pub warnings: Vec<Fault>,
    /// Every file that it was made from, for whoever watches them.
    pub(super) files: Vec<PathBuf>,
    /// The content of those files.
    pub(super) fingerprint: Fingerprint,
}

/// The patterns of content rules, as detectors of their own.
#[derive(Debug)]
pub struct ContentDetectors {
    /// Finds the patterns.
    pub detectors: Detectors,
    /// The rule that each info type of `detectors` stands for, by index.
    pub rules: Vec<RuleName>,
}

impl Loaded {
    /// Reads a configuration; what did not change since `earlier` is used again.
    pub(super) fn read(path: &Path, purpose: Purpose, earlier: Option<&Earlier>) -> Result<Self, Vec<Fault>> {
        let (ready, warnings) = super::read(path, purpose)?;
        Self::put_together(ready, warnings, earlier)
    }

    /// Reads the catalogue of a configuration and compiles both together; all faults of this stage at once.
    pub fn assemble(ready: Ready, warnings: Vec<Fault>) -> Result<Self, Vec<Fault>> {
        Self::put_together(ready, warnings, None)
    }

    pub(super) fn put_together(
        ready: Ready,
        mut warnings: Vec<Fault>,
        earlier: Option<&Earlier>,
    ) -> Result<Self, Vec<Fault>> {
        let held = match &ready.catalogue {
            CatalogueFrom::Held(held) => Some(held.clone()),
            CatalogueFrom::Path(_) | CatalogueFrom::Store { .. } => None,
        };
        let sources = match (&held, ready.catalogue.path()) {
            (Some(held), _) => held.sources(),
            (None, Some(path)) => sources(path)?,
            (None, None) => return Err(vec![not_at_hand(&ready)]),
        };
        let text = match earlier {
            Some(earlier) => gatewright_policy::parse_after(&sources, earlier)?,
            None => gatewright_policy::parse(&sources)?,
        };
        // A version is known by one digest everywhere: in the store, in records, at every replica.
        let text = match &held {
            Some(held) => text.known_by(held.digest),
            None => text,
        };
        let mut faults = Vec::new();
        let detectors = collect(&mut faults, detectors(text.detectors(), held.as_ref()));
        let prompt_rules = collect(&mut faults, patterns(text.content_rules(), |rule| rule.prompt.as_ref()));
        let answer_rules = collect(&mut faults, patterns(text.content_rules(), |rule| rule.answer.as_ref()));
        // Where a detector is at fault, the catalogue is still held against the names that it declares, so that its
        // own faults are told in the same breath.
        let info_types = match &detectors {
            Some(detectors) => detectors.info_types().to_vec(),
            None => text.detectors().iter().map(|detector| detector.name.clone()).collect(),
        };
        let landscape = landscape(&ready, info_types);
        let compiled = match earlier {
            Some(earlier) => Catalogue::compile_after(text.clone(), &landscape, earlier),
            None => Catalogue::compile(text.clone(), &landscape),
        };
        let catalogue = collect(&mut faults, compiled);
        let files = files(&ready, &sources, text.detectors());
        let fingerprint = fingerprint(&ready, &files);
        match (catalogue, detectors, prompt_rules, answer_rules) {
            (Some(catalogue), Some(detectors), Some(prompt_rules), Some(answer_rules)) if faults.is_empty() => {
                warnings.extend(catalogue.warnings().iter().cloned());
                let is_priced = |name: &ModelName| ready.models.get(name).is_some_and(|model| model.price.is_some());
                warnings.extend(catalogue.unpriced(is_priced));
                warnings.extend(silent_channels(&ready, &catalogue));
                let detectors = Arc::new(detectors);
                Ok(Self { ready, text, catalogue, detectors, prompt_rules, answer_rules, warnings, files, fingerprint })
            }
            _ => {
                faults.sort();
                faults.dedup();
                Err(faults)
            }
        }
    }
}

/// Channels that name an approval policy which the catalogue does not have: they would never say a word of it. It may be on
/// its way, so it is no fault.
fn silent_channels(ready: &Ready, catalogue: &Catalogue) -> Vec<Fault> {
    let mut silent = Vec::new();
    for (name, channel) in &ready.notifications {
        let unknown = |policy: &&String| catalogue.approval(policy).is_none() && *policy != BREAK_GLASS;
        for policy in channel.policies.iter().flatten().filter(unknown) {
            let message =
                format!("channel `{name}` tells of approval policy `{policy}`, which the catalogue does not have");
            let (line, column) = (channel.mark.line, channel.mark.column);
            silent.push(Fault { file: ready.file.display().to_string(), line, column, message });
        }
    }
    silent
}

fn collect<T>(faults: &mut Vec<Fault>, result: Result<T, Vec<Fault>>) -> Option<T> {
    result.map_err(|more| faults.extend(more)).ok()
}

/// What the configuration declares and the catalogue may speak of.
fn landscape(ready: &Ready, info_types: Vec<InfoType>) -> Landscape {
    let models = ready.models.iter().map(|(name, model)| ModelFacts {
        name: name.clone(),
        connection: model.connection.clone(),
        tags: model.tags.clone(),
    });
    let datasets = ready.datasets.iter().map(|(name, dataset)| DatasetFacts {
        name: name.clone(),
        connection: match &dataset.place {
            ready::Place::At { connection, .. } => connection.clone(),
            ready::Place::Lent { database, .. } => ConnectionName::from(database.as_str()),
        },
        tags: dataset.tags.clone(),
    });
    let connections = ready.connections.iter().map(|(name, connection)| (name.clone(), connection.trust));
    // What is read there never passes through the gateway.
    let databases = ready.databases.keys().map(|name| (ConnectionName::from(name.as_str()), Trust::External));
    Landscape {
        issuers: ready.issuers.keys().cloned().collect(),
        connections: connections.chain(databases).collect(),
        models: models.collect(),
        datasets: datasets.collect(),
        info_types,
    }
}

/// A catalogue that lies in a running gateway's store, and nowhere else.
fn not_at_hand(ready: &Ready) -> Fault {
    let message =
        "the catalogue lies in the store of a running gateway; `import: FILE` beside `source: store` names files \
                   to begin with and to look at here"
            .to_owned();
    Fault { file: ready.file.display().to_string(), line: 0, column: 0, message }
}

fn detectors(written: &[DetectorRule], held: Option<&Held>) -> Result<Detectors, Vec<Fault>> {
    let rules = match held {
        Some(held) => custom_rules_with(written, &|catalogue, file| held.words(catalogue, file))?,
        None => custom_rules(written)?,
    };
    Detectors::with(&rules).map_err(|faults| {
        let rule = |fault: &RuleFault| written.iter().find(|rule| rule.name.as_str() == fault.rule);
        faults.iter().map(|fault| led_back(rule(fault).map(|rule| &rule.place), fault)).collect()
    })
}

/// A fault of the engine at the place of the rule that it is about.
fn led_back(place: Option<&Place>, fault: &RuleFault) -> Fault {
    match place {
        Some(place) => at(place, fault.reason.clone()),
        None => Fault { file: "catalogue".to_owned(), line: 0, column: 0, message: fault.to_string() },
    }
}

/// The detectors of one side's content rules. A pattern's info type is its number: nobody but the index sees it.
fn patterns(
    written: &[ContentRule],
    side: impl Fn(&ContentRule) -> Option<&ContentPattern>,
) -> Result<Option<ContentDetectors>, Vec<Fault>> {
    let mut found: Vec<(&ContentRule, CustomRule)> = Vec::new();
    for rule in written {
        let Some(pattern) = side(rule) else { continue };
        let words = (!pattern.words.is_empty()).then(|| CustomPattern::Words(pattern.words.clone()));
        let regexes = pattern.regexes.iter().cloned().map(CustomPattern::Regex);
        for pattern in words.into_iter().chain(regexes) {
            let Some(name) = InfoType::new(&format!("RULE_{}", found.len())) else { continue };
            found.push((rule, CustomRule { name, pattern }));
        }
    }
    if found.is_empty() {
        return Ok(None);
    }
    let rules: Vec<CustomRule> = found.iter().map(|(_, rule)| rule.clone()).collect();
    let detectors = Detectors::only(&rules).map_err(|faults| {
        let rule = |fault: &RuleFault| found.iter().find(|(_, custom)| custom.name.as_str() == fault.rule);
        faults.iter().map(|fault| led_back(rule(fault).map(|(rule, _)| &rule.place), fault)).collect::<Vec<_>>()
    })?;
    let rule_of = |name: &InfoType| found.iter().find(|(_, custom)| custom.name == *name);
    let rules = detectors.info_types().iter().filter_map(|name| Some(rule_of(name)?.0.name.clone())).collect();
    Ok(Some(ContentDetectors { detectors, rules }))
}

/// Every file that a change of which may change what runs. Credentials are not among them: their lenders look for
/// themselves.
fn files(ready: &Ready, sources: &[gatewright_policy::Source], detectors: &[DetectorRule]) -> Vec<PathBuf> {
    let mut files = vec![ready.file.clone()];
    if let CatalogueFrom::Path(catalogue) = &ready.catalogue {
        files.push(catalogue.clone());
        if catalogue.is_file() {
            // A new `.cedar` file beside the catalogue belongs to it: the folder changes when one comes or goes.
            let beside = catalogue.parent().filter(|folder| !folder.as_os_str().is_empty());
            files.push(beside.unwrap_or_else(|| Path::new(".")).to_owned());
        }
        files.extend(sources.iter().map(|source| PathBuf::from(&source.name)));
        files.extend(detectors.iter().filter_map(|detector| match &detector.pattern {
            Pattern::WordsFile(file) => Some(words_path(&detector.place.file, file)),
            Pattern::Words(_) | Pattern::Regex(_) | Pattern::Fields(_) => None,
        }));
    }
    files.extend(certificates(ready));
    files.extend(ready.connections.values().filter_map(|connection| connection.ca.clone()));
    files
}

fn certificates(ready: &Ready) -> Vec<PathBuf> {
    let listeners = [&ready.data_listener, &ready.admin_listener];
    let tls = listeners.into_iter().filter_map(|listener| listener.tls.as_ref());
    tls.flat_map(|tls| [tls.certificate.clone(), tls.key.clone()]).collect()
}

fn fingerprint(ready: &Ready, files: &[PathBuf]) -> Fingerprint {
    let certificates = certificates(ready);
    let (of_tls, of_world): (Vec<_>, Vec<_>) = files.iter().partition(|file| certificates.contains(file));
    let held = match &ready.catalogue {
        // A version that goes back to an earlier one's content is a change all the same: it has a number of its own.
        CatalogueFrom::Held(held) => Some((held.version, held.digest)),
        CatalogueFrom::Path(_) | CatalogueFrom::Store { .. } => None,
    };
    Fingerprint { world: content(&of_world), certificates: content(&of_tls), held }
}

/// A digest over the names and contents of files. A folder counts by its files, which are in the list themselves.
fn content(files: &[&PathBuf]) -> Digest {
    let mut all = Vec::new();
    for file in files {
        let bytes = bounded_text(file, LONGEST).unwrap_or_default();
        all.extend_from_slice(&sha256(file.as_os_str().as_encoded_bytes()));
        all.extend_from_slice(&sha256(bytes.as_bytes()));
    }
    sha256(&all)
}
