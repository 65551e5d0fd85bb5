//! What others need to verify our tokens.

use super::Auth;
use crate::ports::PublicKey;

impl Auth {
    /// The public keys of this deployment; none where secrets sign and verify.
    pub fn public_keys(&self) -> Vec<PublicKey> {
        self.tokens.public_keys()
    }
}
