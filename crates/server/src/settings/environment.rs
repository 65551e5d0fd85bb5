//! The three environments a server runs in. What each of them forbids stands with the sections.

/// Which rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Environment {
    /// A developer's machine: lenient about secrets and databases.
    #[default]
    Development,
    /// Production's rules under another name, with a file of its own.
    Staging,
    /// Strict.
    Production,
}

impl Environment {
    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Development, Self::Staging, Self::Production]
            .into_iter()
            .find(|environment| environment.as_str().eq_ignore_ascii_case(text))
    }

    /// The word that `ENVIRONMENT` is set to.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// Whether production's rules hold.
    #[must_use]
    pub fn is_strict(self) -> bool {
        match self {
            Self::Development => false,
            Self::Staging | Self::Production => true,
        }
    }

    /// The file that is read after `.env`.
    pub(super) fn file_name(self) -> &'static str {
        match self {
            Self::Development => ".env.local",
            Self::Staging => ".env.staging",
            Self::Production => ".env.production",
        }
    }
}
