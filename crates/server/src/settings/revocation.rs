//! How tokens of sessions that ended are refused. The memory behind it is the application's.

/// What is asked about the session of each token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Revocation {
    /// This instance's memory, which follows the others by polling; the row, while that does not work.
    #[default]
    Fast,
    /// The row, with each request. Nothing polls.
    Strict,
}

impl Revocation {
    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Fast, Self::Strict]
            .into_iter()
            .find(|revocation| revocation.as_str().eq_ignore_ascii_case(text))
    }

    /// The word that `REVOCATION` is set to.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Strict => "strict",
        }
    }
}
