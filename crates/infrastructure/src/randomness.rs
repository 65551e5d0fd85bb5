//! Secrets from the operating system's source of randomness.

use holdfast_application::ports::{NoRandomness, Randomness};

/// The operating system's source (getrandom(2) and its like).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter that implements the port")]
    fn secret(&self) -> Result<[u8; 32], NoRandomness> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| NoRandomness(error.into()))?;
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_secret_comes_twice() {
        let secrets: HashSet<_> = (0..1_000).map(|_| SystemRandomness.secret().unwrap()).collect();
        assert_eq!(secrets.len(), 1_000);
    }
}
