//! Making and checking one hash, on whatever thread it is called. Stored formats are told apart here: a further one
//! is one more arm in `Hasher::check`. Those of the FastAPI backend are `bcrypt` and `salted_sha256`. Nothing here
//! waits or counts.

use argon2::{
    Algorithm, Argon2, KeyId, Params, ParamsBuilder, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt},
};
use holdfast_application::{
    domain::users::{Password, PasswordHash},
    ports::{PasswordsError, Verification},
};

use super::{
    PasswordOptionsError,
    bcrypt::Bcrypt,
    pepper::{self, Pepper, Peppers},
    salted_sha256::SaltedSha256,
};

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

/// How often [`sample`] fits into the time of a hash: it takes a sixteenth of the memory, and what fits into a processor's cache is
/// filled twice as fast.
pub(super) const SAMPLES: u32 = 32;

/// Makes a small hash, of nothing and for nobody. A whole one would leave the process with 19 MiB more from its start on.
pub(super) fn sample() -> Result<(), argon2::Error> {
    let params = ParamsBuilder::new().m_cost(MEMORY / 16).t_cost(PASSES).p_cost(LANES).build()?;
    Argon2Hash::make(&[0; OUTPUT_BYTES], &[0; SALT_BYTES], params, None).map(drop)
}

/// Makes hashes with the live parameters, checks those of any known kind.
#[derive(Debug)]
pub(super) struct Hasher {
    live: Params,
    peppers: Peppers,
    dummy: Argon2Hash,
}

impl Hasher {
    /// Draws the dummy: what a hash with the live parameters looks like, of no password that anybody knows.
    pub(super) fn new(peppers: Peppers) -> Result<Self, PasswordOptionsError> {
        let live = live(peppers.current()).map_err(PasswordOptionsError::Parameters)?;
        let salt: [u8; SALT_BYTES] = random().map_err(PasswordOptionsError::Randomness)?;
        let output: [u8; OUTPUT_BYTES] = random().map_err(PasswordOptionsError::Randomness)?;
        let dummy =
            Argon2Hash::drawn(&salt, &output, live.clone()).map_err(PasswordOptionsError::Parameters)?;
        Ok(Self { live, peppers, dummy })
    }

    /// A new hash with a fresh salt of 16 bytes.
    pub(super) fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError> {
        let salt: [u8; SALT_BYTES] = random().map_err(failed)?;
        let (password, pepper) = (password.expose().as_bytes(), self.peppers.current());
        let hash = Argon2Hash::make(password, &salt, self.live.clone(), pepper).map_err(failed)?;
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
        let Ok(pepper) = self.peppers.of(stored.pepper()) else {
            tracing::warn!(
                pepper = pepper::text(stored.pepper()),
                "a stored password hash needs a pepper that is not loaded (PASSWORD_PEPPER, \
                 PASSWORD_PREVIOUS_PEPPERS), so nobody can sign in with it"
            );
            return self.refuse(password);
        };
        Ok(match (stored.fits(password, pepper).map_err(failed)?, stored.outdated_by(&self.live)) {
            (false, _) => Verification::Mismatch,
            (true, true) => Verification::MatchOutdated,
            (true, false) => Verification::Match,
        })
    }

    fn refuse(&self, password: &[u8]) -> Result<Verification, PasswordsError> {
        let pepper = self.peppers.current();
        self.dummy.fits(password, pepper).map(|_| Verification::Mismatch).map_err(failed)
    }
}

/// The parameters of new hashes, with the name of the pepper that goes into them.
fn live(pepper: Option<&Pepper>) -> Result<Params, argon2::Error> {
    let mut params = ParamsBuilder::new();
    params.m_cost(MEMORY).t_cost(PASSES).p_cost(LANES).output_len(OUTPUT_BYTES);
    if let Some(pepper) = pepper {
        params.keyid(KeyId::new(pepper.key_id())?);
    }
    params.build()
}

/// A hash of the Argon2 family, taken apart.
#[derive(Debug)]
struct Argon2Hash {
    recipe: Recipe,
    output: Output,
}

/// How a password becomes the output of a hash. The pepper is named by `params`.
#[derive(Debug)]
struct Recipe {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Salt,
}

impl Recipe {
    /// That of new hashes.
    fn new(salt: &[u8], params: Params) -> Result<Self, argon2::Error> {
        let salt = Salt::new(salt).map_err(|_| argon2::Error::SaltTooShort)?;
        Ok(Self { algorithm: Algorithm::Argon2id, version: Version::V0x13, params, salt })
    }

    fn derive(
        &self,
        password: &[u8],
        pepper: Option<&Pepper>,
        length: usize,
    ) -> Result<Output, argon2::Error> {
        let Self { algorithm, version, params, salt } = self;
        // `params` may carry no output length of its own, in which case any is right.
        let params = params.clone();
        let argon2 = match pepper {
            Some(pepper) => Argon2::new_with_secret(pepper.secret(), *algorithm, *version, params)?,
            None => Argon2::new(*algorithm, *version, params),
        };
        let mut bytes = [0; Output::MAX_LENGTH];
        let bytes = bytes.get_mut(..length).ok_or(argon2::Error::OutputTooLong)?;
        argon2.hash_password_into(password, salt, bytes)?;
        Output::new(bytes).map_err(|_| argon2::Error::OutputTooShort)
    }
}

impl Argon2Hash {
    fn make(
        password: &[u8],
        salt: &[u8],
        params: Params,
        pepper: Option<&Pepper>,
    ) -> Result<Self, argon2::Error> {
        let recipe = Recipe::new(salt, params)?;
        let output = recipe.derive(password, pepper, OUTPUT_BYTES)?;
        Ok(Self { recipe, output })
    }

    /// One whose output nobody derived: checking it takes as long as checking any other. Making it takes neither time nor the 19 MiB
    /// that the process would keep from its start on.
    fn drawn(salt: &[u8], output: &[u8], params: Params) -> Result<Self, argon2::Error> {
        let output = Output::new(output).map_err(|_| argon2::Error::OutputTooShort)?;
        Ok(Self { recipe: Recipe::new(salt, params)?, output })
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
        let recipe = Recipe {
            algorithm: Algorithm::try_from(algorithm.as_str()).ok()?,
            version: Version::try_from(version.unwrap_or(UNWRITTEN_VERSION)).ok()?,
            params,
            salt: salt?,
        };
        Some(Self { recipe, output: hash? })
    }

    /// Compares in constant time: `Output`'s equality is `ctutils::CtEq`.
    fn fits(&self, password: &[u8], pepper: Option<&Pepper>) -> Result<bool, argon2::Error> {
        Ok(self.recipe.derive(password, pepper, self.output.len())? == self.output)
    }

    /// The name of its pepper, empty where it has none.
    fn pepper(&self) -> &[u8] {
        self.recipe.params.keyid()
    }

    /// Another pepper, algorithm or version, or less memory, passes, salt or output than a new hash has. Fewer lanes are not
    /// weaker: they only say how many threads could share the work.
    fn outdated_by(&self, live: &Params) -> bool {
        let Recipe { algorithm, version, params, salt } = &self.recipe;
        params.keyid() != live.keyid()
            || *algorithm != Algorithm::Argon2id
            || *version != Version::V0x13
            || params.m_cost() < live.m_cost()
            || params.t_cost() < live.t_cost()
            || salt.len() < SALT_BYTES
            || self.output.len() < OUTPUT_BYTES
    }

    fn to_phc(&self) -> argon2::password_hash::Result<Phc> {
        let Recipe { algorithm, version, params, salt } = &self.recipe;
        Ok(Phc {
            algorithm: algorithm.ident(),
            version: Some((*version).into()),
            params: ParamsString::try_from(params)?,
            salt: Some(*salt),
            hash: Some(self.output),
        })
    }
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
