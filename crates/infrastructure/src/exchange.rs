//! Adapters that can be exchanged while they are in use, for settings that change without a restart. A call goes on with the adapter
//! that it began with; nothing waits for a lock. What the adapters do is told where they are.

use std::fmt;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use holdfast_application::{
    domain::{Timestamp, UserId},
    ports::{
        AccessClaims, Expiry, InvalidToken, LegacyClaims, Mail, MailError, Mailer, Opened, PublicKey,
        RefreshClaims, Sealed, Tokens, TokensError, Vault, VaultError,
    },
};

use crate::{tokens::JwtTokens, vault::AesGcmVault};

/// The tokens of the keys that were loaded last.
pub struct ExchangeableTokens(ArcSwap<JwtTokens>);

impl ExchangeableTokens {
    /// Begins with these.
    pub fn new(tokens: JwtTokens) -> Self {
        Self(ArcSwap::from_pointee(tokens))
    }

    /// From the next call on these sign and verify. Whatever was remembered of verified tokens is forgotten with the others.
    pub fn exchange(&self, tokens: JwtTokens) {
        self.0.store(tokens.into());
    }
}

impl Tokens for ExchangeableTokens {
    fn key_id(&self) -> String {
        self.0.load().key_id()
    }

    fn sign_access(&self, claims: &AccessClaims) -> Result<String, TokensError> {
        self.0.load().sign_access(claims)
    }

    fn sign_refresh(&self, claims: &RefreshClaims, key_id: &str) -> Result<String, TokensError> {
        self.0.load().sign_refresh(claims, key_id)
    }

    fn verify_access(
        &self,
        token: &str,
        now: Timestamp,
        expiry: Expiry,
    ) -> Result<AccessClaims, InvalidToken> {
        self.0.load().verify_access(token, now, expiry)
    }

    fn verify_refresh(
        &self,
        token: &str,
        now: Timestamp,
        expiry: Expiry,
    ) -> Result<RefreshClaims, InvalidToken> {
        self.0.load().verify_refresh(token, now, expiry)
    }

    fn public_keys(&self) -> Vec<PublicKey> {
        self.0.load().public_keys()
    }

    fn verify_legacy(&self, token: &str, now: Timestamp) -> Result<LegacyClaims, InvalidToken> {
        self.0.load().verify_legacy(token, now)
    }
}

impl fmt::Debug for ExchangeableTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ExchangeableTokens").field(&self.0.load()).finish()
    }
}

/// The vault of the keys that were loaded last.
#[derive(Debug)]
pub struct ExchangeableVault(ArcSwap<AesGcmVault>);

impl ExchangeableVault {
    /// Begins with this one.
    pub fn new(vault: AesGcmVault) -> Self {
        Self(ArcSwap::from_pointee(vault))
    }

    /// From the next call on this one seals and opens.
    pub fn exchange(&self, vault: AesGcmVault) {
        self.0.store(vault.into());
    }
}

impl Vault for ExchangeableVault {
    fn seal(&self, owner: UserId, plaintext: &[u8]) -> Result<Sealed, VaultError> {
        self.0.load().seal(owner, plaintext)
    }

    fn open(&self, owner: UserId, sealed: &Sealed) -> Result<Opened, VaultError> {
        self.0.load().open(owner, sealed)
    }
}

/// What mail goes out by, as it was set last.
pub struct ExchangeableMailer(ArcSwap<Box<dyn Mailer>>);

impl ExchangeableMailer {
    /// Begins with this one.
    pub fn new(mailer: Box<dyn Mailer>) -> Self {
        Self(ArcSwap::from_pointee(mailer))
    }

    /// From the next mail on, and the next try of one, this one carries it.
    pub fn exchange(&self, mailer: Box<dyn Mailer>) {
        self.0.store(mailer.into());
    }
}

#[async_trait]
impl Mailer for ExchangeableMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        // Held for as long as a relay takes, so not borrowed from the exchange.
        let mailer = self.0.load_full();
        mailer.send(mail).await
    }
}

impl fmt::Debug for ExchangeableMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeableMailer").finish_non_exhaustive()
    }
}
