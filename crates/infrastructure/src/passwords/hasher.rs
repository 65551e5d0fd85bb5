//! Making and checking one hash, on whatever thread it is called. Stored formats are told apart here: a further one
//! is one more arm in `Hasher::check`. Those of the FastAPI backend are `bcrypt` and `salted_sha256`. Nothing here
//! waits or counts.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt},
};
use holdfast_application::{
    domain::users::{Password, PasswordHash},
    ports::{PasswordsError, Verification},
};

use super::{PasswordOptionsError, bcrypt::Bcrypt, salted_sha256::SaltedSha256};

/// m in KiB, t in passes and p in lanes, for new hashes.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = Salt::RECOMMENDED_LENGTH;
const OUTPUT_BYTES: usize = Params::DEFAULT_OUTPUT_LEN;
/// A stored hash may ask for this many times the work of a new one. A row that asks for more was not written by us,
/// and following it would let one row take all memory or block a slot for minutes.
const HEAVIEST: u64 = 16;
/// What version 1.0 of Argon2 wrote into no field at all (PHC string format, Argon2 encoding).
const UNWRITTEN_VERSION: u32 = 0x10;

/// Makes hashes with the live parameters, checks those of any known kind.
#[derive(Debug, Clone)]
pub(super) struct Hasher {
    live: Params,
    dummy: Argon2Hash,
}

impl Hasher {
    /// Draws the dummy: a hash with the live parameters of random bytes that are forgotten at once.
    pub(super) fn new() -> Result<Self, PasswordOptionsError> {
        let live = Params::new(MEMORY, PASSES, LANES, Some(OUTPUT_BYTES))
            .map_err(PasswordOptionsError::FirstHash)?;
        let forgotten: [u8; OUTPUT_BYTES] = random().map_err(PasswordOptionsError::Randomness)?;
        let salt: [u8; SALT_BYTES] = random().map_err(PasswordOptionsError::Randomness)?;
        let dummy =
            Argon2Hash::make(&forgotten, &salt, live.clone()).map_err(PasswordOptionsError::FirstHash)?;
        Ok(Self { live, dummy })
    }

    /// A new hash with a fresh salt of 16 bytes.
    pub(super) fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError> {
        let salt: [u8; SALT_BYTES] = random().map_err(failed)?;
        let hash =
            Argon2Hash::make(password.expose().as_bytes(), &salt, self.live.clone()).map_err(failed)?;
        hash.to_phc().map(|phc| PasswordHash::new(phc.to_string())).map_err(failed)
    }

    /// Exactly one verification, whatever is stored.
    pub(super) fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, PasswordsError> {
        let password = password.expose().as_bytes();
        let Some(hash) = hash else { return self.refuse(password) };
        if let Some(verification) = self.check(password, hash.expose())? {
            return Ok(verification);
        }
        // The text itself stays out of the log: a foreign format might even hold a password.
        tracing::warn!(
            bytes = hash.expose().len(),
            "a stored password hash is of no known kind, so nobody can sign in with it"
        );
        self.refuse(password)
    }

    /// None when the text is no hash of a known kind; no noteworthy work is done then.
    fn check(&self, password: &[u8], text: &str) -> Result<Option<Verification>, PasswordsError> {
        match text.split('$').nth(1) {
            Some("argon2id" | "argon2i" | "argon2d") => {
                Argon2Hash::read(text).map(|stored| self.judge(password, &stored)).transpose()
            }
            Some("2a" | "2b" | "2y") => {
                Bcrypt::read(text).map(|stored| self.judge_bcrypt(password, &stored)).transpose()
            }
            _ => SaltedSha256::read(text).map(|stored| self.judge_salted(password, &stored)).transpose(),
        }
    }

    /// A match is outdated whatever the cost: what is stored from then on has no end at 72 bytes.
    fn judge_bcrypt(&self, password: &[u8], stored: &Bcrypt) -> Result<Verification, PasswordsError> {
        match stored.fits(password) {
            Some(true) => Ok(Verification::MatchOutdated),
            Some(false) => Ok(Verification::Mismatch),
            None => self.refuse(password),
        }
    }

    /// The digest alone would take microseconds, so that a quick refusal would tell of such a hash. After a match the
    /// caller makes a new hash, which takes as long.
    fn judge_salted(&self, password: &[u8], stored: &SaltedSha256) -> Result<Verification, PasswordsError> {
        if stored.fits(password) { Ok(Verification::MatchOutdated) } else { self.refuse(password) }
    }

    fn judge(&self, password: &[u8], stored: &Argon2Hash) -> Result<Verification, PasswordsError> {
        Ok(match (stored.fits(password).map_err(failed)?, stored.weaker_than(&self.live)) {
            (false, _) => Verification::Mismatch,
            (true, true) => Verification::MatchOutdated,
            (true, false) => Verification::Match,
        })
    }

    fn refuse(&self, password: &[u8]) -> Result<Verification, PasswordsError> {
        self.dummy.fits(password).map(|_| Verification::Mismatch).map_err(failed)
    }
}

/// A hash of the Argon2 family, taken apart.
#[derive(Debug, Clone)]
struct Argon2Hash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Salt,
    output: Output,
}

impl Argon2Hash {
    fn make(password: &[u8], salt: &[u8], params: Params) -> Result<Self, argon2::Error> {
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        let salt = Salt::new(salt).map_err(|_| argon2::Error::SaltTooShort)?;
        let output = derive(password, &salt, algorithm, version, &params, OUTPUT_BYTES)?;
        Ok(Self { algorithm, version, params, salt, output })
    }

    /// None when a part is missing, malformed or beyond what is bearable.
    fn read(text: &str) -> Option<Self> {
        let Phc { algorithm, version, params, salt, hash } = Phc::new(text).ok()?;
        // The crate would put its defaults in the place of absent parameters.
        if ["m", "t", "p"].iter().any(|name| params.get_decimal(*name).is_none()) {
            return None;
        }
        let params = Params::try_from(&params).ok()?;
        if work(&params) > HEAVIEST * u64::from(MEMORY) * u64::from(PASSES) {
            return None;
        }
        Some(Self {
            algorithm: Algorithm::try_from(algorithm.as_str()).ok()?,
            version: Version::try_from(version.unwrap_or(UNWRITTEN_VERSION)).ok()?,
            params,
            salt: salt?,
            output: hash?,
        })
    }

    /// Compares in constant time: `Output`'s equality is `ctutils::CtEq`.
    fn fits(&self, password: &[u8]) -> Result<bool, argon2::Error> {
        let Self { algorithm, version, params, salt, output } = self;
        Ok(derive(password, salt, *algorithm, *version, params, output.len())? == *output)
    }

    /// Another algorithm or version, or less memory, passes, salt or output than a new hash has. Fewer lanes are not
    /// weaker: they only say how many threads could share the work.
    fn weaker_than(&self, live: &Params) -> bool {
        self.algorithm != Algorithm::Argon2id
            || self.version != Version::V0x13
            || self.params.m_cost() < live.m_cost()
            || self.params.t_cost() < live.t_cost()
            || self.salt.len() < SALT_BYTES
            || self.output.len() < OUTPUT_BYTES
    }

    fn to_phc(&self) -> argon2::password_hash::Result<Phc> {
        let Self { algorithm, version, params, salt, output } = self;
        Ok(Phc {
            algorithm: algorithm.ident(),
            version: Some((*version).into()),
            params: ParamsString::try_from(params)?,
            salt: Some(*salt),
            hash: Some(*output),
        })
    }
}

fn derive(
    password: &[u8],
    salt: &Salt,
    algorithm: Algorithm,
    version: Version,
    params: &Params,
    length: usize,
) -> Result<Output, argon2::Error> {
    let mut bytes = [0; Output::MAX_LENGTH];
    let bytes = bytes.get_mut(..length).ok_or(argon2::Error::OutputTooLong)?;
    // `params` may carry no output length of its own, in which case any is right.
    Argon2::new(algorithm, version, params.clone()).hash_password_into(password, salt, bytes)?;
    Output::new(bytes).map_err(|_| argon2::Error::OutputTooShort)
}

/// Memory times passes: what the time taken grows with.
fn work(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

#[expect(clippy::disallowed_methods, reason = "salts are this adapter's own need for chance")]
fn random<const BYTES: usize>() -> Result<[u8; BYTES], getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map(|()| bytes)
}

fn failed(cause: impl std::error::Error + Send + Sync + 'static) -> PasswordsError {
    PasswordsError::Failed(Box::new(cause))
}
