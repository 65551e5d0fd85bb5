//! The settings of the migration command: files in the working directory below the process environment.
//!
//! The server reads its settings itself; the syntax and the order of `.env` files are the same.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::connection::CONNECT_PATIENCE;
use crate::database_url::{self, Chosen, DEVELOPMENT_DEFAULT, FaultyVariable};
use crate::dotenv::{self, Assignment, Malformed};
use crate::{DatabaseUrl, DatabaseUrlError, fastapi_file};

/// Where the process runs; staging follows production's rules.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deployment {
    Unstated,
    Development,
    Production,
}

/// A fault in the settings. Values are never shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// A `.env` file, or the FastAPI backend's file, exists and cannot be read.
    #[error("{} cannot be read: {problem}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Without the text of the faulty line, which may hold a secret.
        problem: String,
    },
    /// `ENVIRONMENT` has an unknown value.
    #[error("ENVIRONMENT has an unknown value; expected development, staging or production")]
    UnknownDeployment,
    /// A database URL cannot be read.
    #[error(transparent)]
    Url(#[from] FaultyVariable),
    /// No URL is set, and there is no default outside of development.
    #[error("DATABASE_URL is not set; expected postgresql://user:password@host/database")]
    NoUrl,
    /// No URL is set, and the FastAPI backend left its own file here: nobody shall find an empty account.
    #[error(
        "DATABASE_URL is not set, and {} holds the FastAPI backend's tables; expected DATABASE_URL=sqlite://{} to go on with them, or the URL of another database",
        file.display(),
        fastapi_file::FILE_NAME
    )]
    FastapiFile {
        /// The file.
        file: PathBuf,
    },
    /// `DATABASE_WAKE_TIMEOUT` is no time.
    #[error("DATABASE_WAKE_TIMEOUT is not a whole number of seconds; expected 1–60")]
    WakeTimeout,
    /// The URL breaks a rule of production.
    #[error("{variable} {fault}")]
    Production {
        /// The variable that was used.
        variable: &'static str,
        /// What is wrong, and what is expected.
        fault: &'static str,
    },
    /// The built-in default cannot be read.
    #[error("the default database {0}")]
    Default(#[source] DatabaseUrlError),
}

/// Which database to migrate, and under which rules.
#[derive(Debug)]
pub struct Target {
    /// The database.
    pub url: DatabaseUrl,
    /// How long connecting may take in all (`DATABASE_WAKE_TIMEOUT`).
    pub patience: Duration,
    /// Whether destructive commands are refused: in staging and production, and on another machine's database where
    /// `ENVIRONMENT` does not say that it is development.
    pub production: bool,
    /// One sentence each, without secrets.
    pub warnings: Vec<String>,
}

/// Variables by name. Empty values count as missing at every level.
pub struct Environment {
    folder: PathBuf,
    values: BTreeMap<String, String>,
}

impl Environment {
    /// Reads `.env` and the file of the deployment (`.env.local`, `.env.staging`, `.env.production`) in `folder`, and
    /// lays the process environment over them.
    ///
    /// # Errors
    /// [`EnvironmentError::File`] for a file that exists and cannot be read.
    pub fn read(
        folder: &Path,
        process: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, EnvironmentError> {
        let process: Vec<(String, String)> = process
            .into_iter()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        let mut values = BTreeMap::new();
        overlay(&mut values, file_variables(&folder.join(".env"))?);
        let stated = |values: &BTreeMap<String, String>| {
            let in_process =
                process.iter().find(|(name, value)| name == "ENVIRONMENT" && !value.trim().is_empty());
            in_process.map(|(_, value)| value.clone()).or_else(|| values.get("ENVIRONMENT").cloned())
        };
        let stated = stated(&values).map(|value| value.trim().to_ascii_lowercase());
        let file = match stated.as_deref() {
            None | Some("development") => ".env.local",
            Some("staging") => ".env.staging",
            Some(_) => ".env.production",
        };
        overlay(&mut values, file_variables(&folder.join(file))?);
        overlay(&mut values, process);
        Ok(Self { folder: folder.to_owned(), values })
    }

    /// The value; `None` when the variable is missing or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The database to migrate.
    ///
    /// # Errors
    /// [`EnvironmentError`]; all of them are faults of the configuration.
    pub fn target(&self) -> Result<Target, EnvironmentError> {
        let stated = self.get("ENVIRONMENT").map(|value| value.trim().to_ascii_lowercase());
        let deployment = match stated.as_deref() {
            None => Deployment::Unstated,
            Some("development") => Deployment::Development,
            Some("staging" | "production") => Deployment::Production,
            Some(_) => return Err(EnvironmentError::UnknownDeployment),
        };
        let patience = self.wake_timeout()?;
        let chosen = database_url::choose_for_migrations(|name| self.get(name).map(str::to_owned))?;
        let Some(Chosen { variable, url, warnings }) = chosen else {
            self.refuse_fastapi_file()?;
            if deployment == Deployment::Production {
                return Err(EnvironmentError::NoUrl);
            }
            let url = DatabaseUrl::parse(DEVELOPMENT_DEFAULT).map_err(EnvironmentError::Default)?;
            return Ok(Target { url, patience, production: false, warnings: Vec::new() });
        };
        let allow_sqlite = self.get("ALLOW_SQLITE_IN_PRODUCTION").is_some_and(is_yes);
        match url.production_fault(allow_sqlite) {
            Some(fault) if deployment == Deployment::Production => {
                Err(EnvironmentError::Production { variable, fault })
            }
            _ => {
                let production = match deployment {
                    Deployment::Production => true,
                    Deployment::Unstated => !url.is_local(),
                    Deployment::Development => false,
                };
                Ok(Target { url, patience, production, warnings })
            }
        }
    }

    /// As the server reads it.
    fn wake_timeout(&self) -> Result<Duration, EnvironmentError> {
        let Some(text) = self.get("DATABASE_WAKE_TIMEOUT") else { return Ok(CONNECT_PATIENCE) };
        let text = text.trim();
        match text.strip_suffix('s').unwrap_or(text).parse::<u8>() {
            Ok(seconds @ 1..=60) if !text.starts_with('+') => Ok(Duration::from_secs(seconds.into())),
            _ => Err(EnvironmentError::WakeTimeout),
        }
    }

    fn refuse_fastapi_file(&self) -> Result<(), EnvironmentError> {
        let file = self.folder.join(fastapi_file::FILE_NAME);
        match fastapi_file::has_its_tables(&file) {
            Ok(false) => Ok(()),
            Ok(true) => Err(EnvironmentError::FastapiFile { file }),
            Err(error) => Err(EnvironmentError::File { file, problem: error.to_string() }),
        }
    }
}

/// The spellings of true that the server takes as well.
fn is_yes(value: &str) -> bool {
    ["true", "1", "yes", "on"].iter().any(|yes| value.trim().eq_ignore_ascii_case(yes))
}

fn overlay(values: &mut BTreeMap<String, String>, above: impl IntoIterator<Item = (String, String)>) {
    values.extend(above.into_iter().filter(|(_, value)| !value.trim().is_empty()));
}

fn file_variables(file: &Path) -> Result<Vec<(String, String)>, EnvironmentError> {
    let fault = |problem: String| EnvironmentError::File { file: file.to_owned(), problem };
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fault(error.to_string())),
    };
    let (assignments, malformed) = dotenv::parse(&text);
    match malformed.first() {
        Some(Malformed { line, problem }) => Err(fault(format!("line {line} {problem}"))),
        None => {
            Ok(assignments.into_iter().map(|Assignment { line: _, name, value }| (name, value)).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(
        files: &[(&str, &str)],
        process: &[(&str, &str)],
    ) -> Result<Environment, EnvironmentError> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Environment::read(folder.path(), process.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn the_process_wins_over_the_file_of_the_deployment_and_that_over_dotenv() {
        let files = [
            (".env", "A=env\nB=env\nC=env\nENVIRONMENT=staging\n"),
            (".env.staging", "B=staging\nC=staging\n"),
            (".env.local", "A=local\n"),
        ];
        let read = environment(&files, &[("C", "process"), ("A", "")]).unwrap();
        assert_eq!(
            [read.get("A"), read.get("B"), read.get("C")],
            [Some("env"), Some("staging"), Some("process")]
        );
        assert!(environment(&files, &[("ENVIRONMENT", "")]).unwrap().get("ENVIRONMENT") == Some("staging"));
    }

    #[test]
    fn development_has_a_default_and_production_has_none() {
        let url =
            |process: &[(&str, &str)]| environment(&[], process).unwrap().target().map(|target| target.url);
        assert_eq!(url(&[]).unwrap().redacted(), DEVELOPMENT_DEFAULT);
        assert_eq!(url(&[("ENVIRONMENT", "development")]).unwrap().redacted(), DEVELOPMENT_DEFAULT);
        assert!(matches!(url(&[("ENVIRONMENT", "production")]), Err(EnvironmentError::NoUrl)));
        assert!(matches!(url(&[("ENVIRONMENT", "prod")]), Err(EnvironmentError::UnknownDeployment)));
        assert!(matches!(url(&[("DATABASE_URL", "x")]), Err(EnvironmentError::Url(_))));
        let unsafe_url = [("ENVIRONMENT", "staging"), ("DATABASE_URL", "postgres://u@db.example.com/d")];
        assert!(matches!(
            url(&unsafe_url),
            Err(EnvironmentError::Production { variable: "DATABASE_URL", .. })
        ));
    }

    #[test]
    fn the_patience_of_the_server_holds_for_migrations() {
        let patience = |text: &str| {
            environment(&[], &[("DATABASE_WAKE_TIMEOUT", text)]).unwrap().target().map(|it| it.patience)
        };
        for (text, seconds) in [("", 5), ("1", 1), ("20s", 20), ("60", 60)] {
            assert_eq!(patience(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        for text in ["0", "61", "+5", "5m", "s", "five"] {
            assert!(matches!(patience(text), Err(EnvironmentError::WakeTimeout)), "{text}");
        }
    }

    #[test]
    fn a_database_on_another_machine_is_production_unless_stated_otherwise() {
        let remote = ("DATABASE_URL", "postgres://u@db.example.com/d");
        let production =
            |process: &[(&str, &str)]| environment(&[], process).unwrap().target().unwrap().production;
        assert!(production(&[remote]));
        assert!(!production(&[remote, ("ENVIRONMENT", "development")]));
        assert!(!production(&[("DATABASE_URL", "postgres://u@localhost/d")]));
        assert!(production(&[("DATABASE_URL", "postgres://u@localhost/d"), ("ENVIRONMENT", "production")]));
    }

    #[test]
    fn a_broken_file_is_named_without_its_text() {
        let Err(error) = environment(&[(".env", "DATABASE_URL=\"postgres://u:hunter2@h/d\n")], &[]) else {
            panic!("the file was read");
        };
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(".env") && !shown.contains("hunter2"), "{shown}");
    }
}
