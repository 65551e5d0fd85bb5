//! How much is logged, and in which form. Setting the subscriber up is not done here.

use super::describe::Effective;
use super::environment::Environment;
use super::reader::Reader;

/// The least severe line that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// What helps a developer.
    Debug,
    /// One line per request, and events.
    #[default]
    Info,
    /// What an operator should look at.
    Warn,
    /// What failed; Python's `critical` means this one, too.
    Error,
}

impl LogLevel {
    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "trace" => Some(Self::Trace),
            "debug" => Some(Self::Debug),
            "info" => Some(Self::Info),
            "warn" | "warning" => Some(Self::Warn),
            "error" | "critical" => Some(Self::Error),
            _ => None,
        }
    }

    /// The name that `tracing` knows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// For eyes.
    Text,
}

impl LogFormat {
    fn parse(text: &str) -> Option<Self> {
        [Self::Json, Self::Text].into_iter().find(|format| format.as_str().eq_ignore_ascii_case(text))
    }

    fn of(environment: Environment) -> Self {
        if environment.is_strict() { Self::Json } else { Self::Text }
    }

    /// The word that `LOG_FORMAT` is set to.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
        }
    }
}

/// Logs.
#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    /// The least severe line that is written.
    pub level: LogLevel,
    /// How a log line looks.
    pub format: LogFormat,
}

impl TelemetrySettings {
    pub(super) fn read(reader: &mut Reader, environment: Environment) -> Self {
        Self {
            level: reader.word("LOG_LEVEL", LogLevel::parse),
            format: reader
                .optional_word("LOG_FORMAT", LogFormat::parse)
                .unwrap_or_else(|| LogFormat::of(environment)),
        }
    }

    pub(super) fn effective(&self) -> Effective {
        let Self { level, format } = self;
        vec![("LOG_LEVEL", Some(level.as_str().to_owned())), ("LOG_FORMAT", Some(format.as_str().to_owned()))]
    }
}
