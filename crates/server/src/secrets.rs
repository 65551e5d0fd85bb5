//! What secrets, key pairs and limits of the settings become, and its exchange while the server runs. Which ones there are is the
//! settings' to say; when they change is `reload`'s.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use anyhow::Context;
use holdfast_application::{auth::Throttling, page::CursorKey};
use holdfast_infrastructure::{
    exchange::{ExchangeableTokens, ExchangeableVault},
    passwords::{Pepper, Peppers},
    shared_buckets::OwnerKey,
    tokens::{JwtOptions, JwtTokens, Key, KeyRing, LegacyOptions, Secret as TokenSecret},
    vault::{AesGcmVault, EncryptionKey},
};

use crate::settings::{
    AuthSettings, EncryptionSettings, GeneratedSecretError, KeySettings, PasswordSettings, Secret,
    SecretSource, Settings, ThrottlingSettings, load_or_create_secret,
};

/// Secrets that this machine made for itself, as they were when they were first asked for: where a file is lost, nobody is signed
/// out before the next start.
#[derive(Default)]
pub(crate) struct Generated(BTreeMap<PathBuf, Secret>);

impl Generated {
    fn secret(
        &mut self,
        variable: &'static str,
        source: &SecretSource,
    ) -> Result<Option<Secret>, GeneratedSecretError> {
        let path = match source {
            SecretSource::Given(secret) => return Ok(Some(secret.clone())),
            SecretSource::Unneeded => return Ok(None),
            SecretSource::Generated { path } => path,
        };
        if let Some(known) = self.0.get(path) {
            return Ok(Some(known.clone()));
        }
        let secret = load_or_create_secret(variable, path)?;
        self.0.insert(path.clone(), secret.clone());
        Ok(Some(secret))
    }
}

/// What the services go by, in one piece: all of it takes effect, or nothing.
pub(crate) struct Keys {
    tokens: JwtTokens,
    vault: AesGcmVault,
    cursors: CursorKey,
    throttling: Throttling,
    buckets: OwnerKey,
    names: Names,
}

/// What is done where the machine's own key of stored secrets can be neither read nor made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithoutKey {
    /// Everything but second factors works without.
    GoOn,
    /// There was one until now.
    Refuse,
}

impl Keys {
    /// Makes everything of the settings; puts nothing into effect and tells nothing.
    pub(crate) fn of(
        settings: &Settings,
        legacy: Option<LegacyOptions>,
        generated: &mut Generated,
        without_key: WithoutKey,
    ) -> anyhow::Result<Self> {
        let secret = generated.secret("JWT_SECRET", &settings.auth.secret)?;
        let deployment = deployment_secret(&settings.auth.keys, secret.as_ref())?;
        let ring = key_ring(&settings.auth, secret.as_ref())?;
        let sealing = match generated.secret("ENCRYPTION_KEY", &settings.encryption.key) {
            Err(error) if without_key == WithoutKey::GoOn => Err(error),
            key => Ok(key?),
        };
        let vault = vault(&settings.encryption, sealing.as_ref().ok().and_then(Option::as_ref))?;
        let names = Names {
            signing: (ring.current().id().to_owned(), ring.current().algorithm_name()),
            sealing: sealing.map(|_| vault.key_id().map(ToOwned::to_owned)),
        };
        Ok(Self {
            tokens: JwtTokens::new(jwt_options(&settings.auth, ring, legacy))?,
            vault,
            cursors: cursor_key(&settings.auth, &deployment),
            throttling: throttling(&settings.throttling, &deployment),
            buckets: OwnerKey::derive(deployment.expose()),
            names,
        })
    }
}

/// What the log calls the keys that sign and seal.
struct Names {
    signing: (String, &'static str),
    /// Nothing where none is set.
    sealing: Result<Option<String>, GeneratedSecretError>,
}

impl Names {
    fn tell(&self) {
        let Self { signing: (kid, algorithm), sealing } = self;
        tracing::info!(kid, algorithm, "new tokens are signed with this key");
        match sealing {
            Ok(Some(key)) => tracing::info!(key, "secrets of second factors are encrypted with this key"),
            Ok(None) => tracing::warn!("nobody can enrol a second factor: ENCRYPTION_KEY is not set"),
            Err(error) => tracing::warn!(
                error = error as &dyn std::error::Error,
                "nobody can enrol a second factor: there is no encryption key"
            ),
        }
    }
}

/// The keys in use. Clones are one.
#[derive(Clone)]
pub(crate) struct KeysInUse {
    pub(crate) tokens: Arc<ExchangeableTokens>,
    pub(crate) vault: Arc<ExchangeableVault>,
    pub(crate) cursors: CursorKey,
    pub(crate) throttling: Throttling,
    pub(crate) buckets: OwnerKey,
}

impl KeysInUse {
    /// Begins with these, and tells the log which they are.
    pub(crate) fn new(Keys { tokens, vault, cursors, throttling, buckets, names }: Keys) -> Self {
        names.tell();
        Self {
            tokens: Arc::new(ExchangeableTokens::new(tokens)),
            vault: Arc::new(ExchangeableVault::new(vault)),
            cursors,
            throttling,
            buckets,
        }
    }

    /// From the next call on these hold, which the log is told as well.
    pub(crate) fn exchange(&self, Keys { tokens, vault, cursors, throttling, buckets, names }: Keys) {
        self.tokens.exchange(tokens);
        self.vault.exchange(vault);
        self.cursors.replace(&cursors);
        self.throttling.replace(&throttling);
        self.buckets.replace(&buckets);
        names.tell();
    }
}

/// The keys of stored secrets.
fn vault(settings: &EncryptionSettings, key: Option<&Secret>) -> anyhow::Result<AesGcmVault> {
    let EncryptionSettings { key: _, previous_keys } = settings;
    let derived = |secret: &Secret| EncryptionKey::derive(secret.expose());
    let current = key.map(derived).transpose()?;
    Ok(AesGcmVault::new(current, previous_keys.iter().map(derived).collect::<Result<_, _>>()?))
}

fn jwt_options(settings: &AuthSettings, keys: KeyRing, legacy: Option<LegacyOptions>) -> JwtOptions {
    JwtOptions {
        issuer: settings.issuer.clone(),
        audience: settings.audience.clone(),
        keys,
        longest_access: settings.access_token_lifetime().max(settings.compatibility_token_lifetime()),
        longest_refresh: settings.session_maximum().max(settings.compatibility_token_lifetime()),
        legacy,
    }
}

/// A key pair signs, or else the secret; everything that there is verifies.
fn key_ring(settings: &AuthSettings, secret: Option<&Secret>) -> anyhow::Result<KeyRing> {
    let KeySettings { algorithm: _, signing, verifying, directory: _ } = &settings.keys;
    let mut keys: Vec<Arc<Key>> = signing.iter().cloned().collect();
    for secret in secret.into_iter().chain(&settings.previous_secrets) {
        keys.push(Arc::new(Key::hs256(&token_secret(secret))?));
    }
    keys.extend(verifying.iter().cloned());
    let mut keys = keys.into_iter();
    let current = keys.next().context("there is neither a secret nor a key to sign tokens with")?;
    Ok(KeyRing::new(current, keys.collect())?)
}

pub(crate) fn token_secret(secret: &Secret) -> TokenSecret {
    TokenSecret::new(secret.expose().to_vec())
}

/// What everything but tokens is derived from: every instance of a deployment has the same secret, or the same key pair.
fn deployment_secret(keys: &KeySettings, secret: Option<&Secret>) -> anyhow::Result<TokenSecret> {
    let derived = || keys.signing.as_ref().and_then(|key| key.derived_secret());
    secret.map(token_secret).or_else(derived).context("there is neither a secret nor a key that signs")
}

/// What cursors are signed with. Whatever may have signed one before a rotation, or will after it, is good as well, so that nobody
/// loses their place: earlier secrets, and key pairs whose private half is here.
fn cursor_key(settings: &AuthSettings, deployment: &TokenSecret) -> CursorKey {
    let AuthSettings { keys: KeySettings { signing, verifying, .. }, previous_secrets, .. } = settings;
    let pairs = signing.iter().chain(verifying).filter_map(|key| key.derived_secret());
    let others = previous_secrets.iter().map(token_secret).chain(pairs);
    others.fold(CursorKey::derive(deployment.expose()), |key, other| key.accepting(other.expose()))
}

/// How attempts at passwords are throttled. Every instance hides addresses under the same key, so that they count together.
fn throttling(settings: &ThrottlingSettings, deployment: &TokenSecret) -> Throttling {
    settings.limits().map_or_else(Throttling::off, |limits| Throttling::on(limits, deployment.expose()))
}

/// What goes into hashes beside the password.
pub(crate) fn peppers(settings: &PasswordSettings) -> Peppers {
    let PasswordSettings { pepper, previous_peppers } = settings;
    let pepper_of = |secret: &Secret| Pepper::new(secret.expose().to_vec());
    Peppers::new(pepper.as_ref().map(pepper_of), previous_peppers.iter().map(pepper_of).collect())
}

/// Tells the log which of them goes into new ones, where one does.
pub(crate) fn tell_of_pepper(peppers: &Peppers) {
    if let Some(pepper) = peppers.current() {
        tracing::info!(pepper = pepper.id(), "new password hashes are made with this pepper");
    }
}
