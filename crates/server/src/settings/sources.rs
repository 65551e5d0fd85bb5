//! Where values come from, and which source wins: defaults, `.env`, the file of the environment,
//! the process environment, in rising order. The layering itself is the `config` crate's; values stay
//! texts here, because `config` and serde stop at the first value of a wrong type. Parsing is
//! `reader`'s.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use config::{Config, ConfigError, Map, Source, Value, ValueKind};

use super::env_files::EnvFiles;
use super::environment::Environment;
use super::fault::{Fault, Warning};
use super::secret_files::{self, Found};
use super::unknown;
use super::variables::{self, Fallback};

/// Everything that settings are loaded from, so that tests need neither the process environment nor
/// the working directory.
#[derive(Clone, Default)]
pub struct Sources {
    /// Where the `.env` files, `./data` and a FastAPI backend's `./app.db` are looked for.
    pub directory: PathBuf,
    /// The process environment.
    pub environment: BTreeMap<String, String>,
}

impl Sources {
    /// The environment of this process and its working directory. The only place that reads them.
    ///
    /// Bytes that are no UTF-8 become U+FFFD, which is a fault in any variable that counts.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn of_this_process() -> Self {
        let environment = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        Self { directory: PathBuf::from("."), environment }
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { directory, environment } = self;
        f.debug_struct("Sources").field("directory", directory).field("names", &environment.keys()).finish()
    }
}

/// The source that a value was taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A file in the working directory, by its name.
    File(&'static str),
    /// The process environment.
    Process,
    /// A file with nothing but the value, by its path.
    SecretFile(PathBuf),
}

impl Origin {
    const LAYERS: [Self; 6] = [
        Self::Default,
        Self::File(".env"),
        Self::File(".env.local"),
        Self::File(".env.staging"),
        Self::File(".env.production"),
        Self::Process,
    ];

    /// As it is shown: `default`, the file's name, `environment`, or `file` and a path.
    #[must_use]
    pub fn label(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Default => "default",
            Self::File(name) => name,
            Self::Process => "environment",
            Self::SecretFile(path) => return Cow::Owned(format!("file {}", path.display())),
        })
    }

    fn of_label(label: &str) -> Option<Self> {
        Self::LAYERS.into_iter().find(|origin| origin.label() == label)
    }
}

/// A value that won, trimmed and not empty, and where it came from.
pub(super) struct Entry {
    pub(super) value: String,
    pub(super) origin: Origin,
}

/// The winning value of every known variable that has one, defaults included.
#[derive(Default)]
pub(super) struct Layers {
    entries: BTreeMap<&'static str, Entry>,
    unread: BTreeSet<&'static str>,
}

impl Layers {
    /// The value that holds: set, or a default that is a text.
    pub(super) fn effective(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// Variables that somebody set by a file which cannot be used. That is a fault already.
    pub(super) fn unread(&self) -> &BTreeSet<&'static str> {
        &self.unread
    }

    fn take_over(mut self, Found { values, unread }: Found) -> Self {
        for name in &unread {
            self.entries.remove(name);
        }
        self.entries.extend(values);
        Self { unread, ..self }
    }

    /// The value that somebody set.
    pub(super) fn set(&self, name: &str) -> Option<&Entry> {
        self.effective(name).filter(|entry| entry.origin != Origin::Default)
    }
}

/// One layer, as `config` wants it. Empty values are left out: present but empty is missing.
#[derive(Clone)]
pub(super) struct Layer {
    origin: Origin,
    values: BTreeMap<String, String>,
}

impl Layer {
    pub(super) fn new(origin: Origin, all: impl IntoIterator<Item = (String, String)>) -> Self {
        let values = all.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
        Self { origin, values }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim())
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, values } = self;
        f.debug_struct("Layer").field("origin", origin).field("names", &values.keys()).finish()
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    /// Known variables only: `config` reads a dot in a name as a path.
    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let origin = self.origin.label().into_owned();
        Ok(variables::ALL
            .iter()
            .filter_map(|variable| Some((variable.name, self.get(variable.name)?)))
            .map(|(name, value)| (name.to_owned(), Value::new(Some(&origin), value)))
            .collect())
    }
}

/// Reads the files and lays all sources over each other.
///
/// The environment, which picks the second file, is itself read from `.env` and the process.
pub(super) fn layer(sources: &Sources, faults: &mut Vec<Fault>, warnings: &mut Vec<Warning>) -> Layers {
    let mut files = EnvFiles { directory: &sources.directory, faults, warnings };
    let process = Layer::new(Origin::Process, sources.environment.clone());
    let shared = files.read(".env");
    let environment = process
        .get("ENVIRONMENT")
        .or_else(|| shared.get("ENVIRONMENT"))
        .and_then(Environment::parse)
        .unwrap_or_default();
    let specific = files.read(environment.file_name());
    if let Some(inner) =
        specific.get("ENVIRONMENT").filter(|text| Environment::parse(text) != Some(environment))
    {
        faults.push(contradiction(&specific.origin.label(), inner, environment));
    }
    unknown::warn_of_process(&sources.environment, warnings);
    check_text(&[&shared, &specific, &process], faults);
    let strict = environment.is_strict();
    let found =
        secret_files::read(&sources.directory, [&process, &specific, &shared], strict, faults, warnings);
    let layers = merge([shared, specific, process]).unwrap_or_else(|error| {
        faults.push(Fault {
            variable: "settings".to_owned(),
            taken_from: None,
            problem: format!("cannot be laid over each other ({error})"),
            expected: "plain variables".to_owned(),
        });
        Layers::default()
    });
    layers.take_over(found)
}

fn contradiction(file: &str, inner: &str, environment: Environment) -> Fault {
    Fault {
        variable: "ENVIRONMENT".to_owned(),
        taken_from: None,
        problem: format!(
            "{file} sets it to {}, but that file is only read in {}",
            super::fault::quoted(inner),
            environment.as_str()
        ),
        expected: format!("{}, or to be set in .env or the process environment", environment.as_str()),
    }
}

fn merge(layers: [Layer; 3]) -> Result<Layers, ConfigError> {
    let mut builder = Config::builder();
    for variable in variables::ALL {
        if let Fallback::Text(text) = variable.default {
            builder = builder.set_default(variable.name, text)?;
        }
    }
    for layer in layers {
        builder = builder.add_source(layer);
    }
    let mut merged = builder.build()?.collect()?;
    let entries = variables::ALL.iter().filter_map(|variable| {
        let value = merged.remove(variable.name)?;
        let origin = value.origin().and_then(Origin::of_label).unwrap_or(Origin::Default);
        match value.kind {
            ValueKind::String(value) => Some((variable.name, Entry { value, origin })),
            _ => None,
        }
    });
    Ok(Layers { entries: entries.collect(), unread: BTreeSet::new() })
}

/// What is wrong with the text of a value, whatever it is for.
pub(super) fn text_problem(value: &str) -> Option<&'static str> {
    if value.contains('\u{fffd}') {
        Some("is not valid UTF-8")
    } else if value.contains(char::is_control) {
        Some("holds a line break or another control character")
    } else {
        None
    }
}

/// Known variables whose text was no UTF-8 where it came from, or that span lines.
fn check_text(layers: &[&Layer], faults: &mut Vec<Fault>) {
    for variable in variables::ALL {
        let Some(value) = layers.iter().rev().find_map(|layer| layer.get(variable.name)) else { continue };
        let Some(problem) = text_problem(value) else { continue };
        faults.push(Fault {
            variable: variable.name.to_owned(),
            taken_from: None,
            problem: problem.to_owned(),
            expected: variable.expected(),
        });
    }
}
