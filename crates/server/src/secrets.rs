//! What secrets, key pairs and limits of the settings become, and its exchange while the server runs. Which ones there are is the
//! settings' to say; when they change is `reload`'s.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use anyhow::Context;
use holdfast_application::{auth::Throttling, page::CursorKey};
use holdfast_infrastructure::{
    exchange::{ExchangeableTokens, ExchangeableVault},
    tokens::{JwtOptions, JwtTokens, Key, KeyRing, LegacyOptions, Secret as TokenSecret},
    vault::{AesGcmVault, EncryptionKey},
};

use crate::settings::{
    AuthSettings, EncryptionSettings, GeneratedSecretError, KeySettings, Secret, SecretSource, Settings,
    ThrottlingSettings, load_or_create_secret,
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
}

impl Keys {
    /// Makes everything of the settings, and puts nothing into effect.
    pub(crate) fn of(
        settings: &Settings,
        legacy: Option<LegacyOptions>,
        generated: &mut Generated,
    ) -> anyhow::Result<Self> {
        let secret = generated.secret("JWT_SECRET", &settings.auth.secret)?;
        let deployment = deployment_secret(&settings.auth.keys, secret.as_ref())?;
        Ok(Self {
            tokens: JwtTokens::new(jwt_options(&settings.auth, secret.as_ref(), legacy)?)?,
            vault: vault(&settings.encryption, generated)?,
            cursors: cursor_key(&settings.auth, &deployment),
            throttling: throttling(&settings.throttling, &deployment),
        })
    }
}

/// The keys in use. Clones are one.
#[derive(Clone)]
pub(crate) struct KeysInUse {
    pub(crate) tokens: Arc<ExchangeableTokens>,
    pub(crate) vault: Arc<ExchangeableVault>,
    pub(crate) cursors: CursorKey,
    pub(crate) throttling: Throttling,
}

impl KeysInUse {
    pub(crate) fn new(Keys { tokens, vault, cursors, throttling }: Keys) -> Self {
        Self {
            tokens: Arc::new(ExchangeableTokens::new(tokens)),
            vault: Arc::new(ExchangeableVault::new(vault)),
            cursors,
            throttling,
        }
    }

    /// From the next call on these hold.
    pub(crate) fn exchange(&self, Keys { tokens, vault, cursors, throttling }: Keys) {
        self.tokens.exchange(tokens);
        self.vault.exchange(vault);
        self.cursors.replace(&cursors);
        self.throttling.replace(&throttling);
    }
}

/// The keys of stored secrets, and a line in the log that names the one of today, or says that there is none. Everything but
/// second factors works without.
fn vault(settings: &EncryptionSettings, generated: &mut Generated) -> anyhow::Result<AesGcmVault> {
    let EncryptionSettings { key, previous_keys } = settings;
    let current = generated
        .secret("ENCRYPTION_KEY", key)
        .inspect_err(|error| tracing::warn!(error = error as &dyn std::error::Error, "no encryption key"))
        .unwrap_or_default();
    let derived = |secret: &Secret| EncryptionKey::derive(secret.expose());
    let current = current.as_ref().map(derived).transpose()?;
    if let Some(key) = &current {
        tracing::info!(key = key.id(), "secrets of second factors are encrypted with this key");
    } else {
        tracing::warn!("nobody can enrol a second factor: ENCRYPTION_KEY is not set");
    }
    Ok(AesGcmVault::new(current, previous_keys.iter().map(derived).collect::<Result<_, _>>()?))
}

fn jwt_options(
    settings: &AuthSettings,
    secret: Option<&Secret>,
    legacy: Option<LegacyOptions>,
) -> anyhow::Result<JwtOptions> {
    Ok(JwtOptions {
        issuer: settings.issuer.clone(),
        audience: settings.audience.clone(),
        keys: key_ring(settings, secret)?,
        longest_access: settings.access_token_lifetime().max(settings.compatibility_token_lifetime()),
        longest_refresh: settings.session_maximum().max(settings.compatibility_token_lifetime()),
        legacy,
    })
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
    tracing::info!(
        kid = current.id(),
        algorithm = current.algorithm_name(),
        "new tokens are signed with this key"
    );
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
