//! A way to sign in that an adopted account had elsewhere.

use crate::Timestamp;

/// A link of an account to one at another provider. Links came in with an adoption; they are shown and not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedAccount {
    /// Unique together with its account; adopted as it was.
    pub id: String,
    /// The provider, such as `google`.
    pub provider_id: String,
    /// What the account is called there.
    pub account_id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}
