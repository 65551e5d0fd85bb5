//! Whatever several clients, old packets, forgers and the clock do: the program answers what the model says, stores what
//! the model says, and nothing without a valid signature changes a row.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use holdfast_application::{
    auth::{AuthError, Refreshed, Scope, SignOut, SignedIn},
    domain::sessions::{Client, EventKind, TooManyRotations},
    ports::{Expiry, Tokens as _},
};
use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{TestCaseError, TestCaseResult},
};

use crate::{
    Property,
    model::{DAY, Expected, Family, MINUTE, SECOND},
    world::{ACCESS, Person, World, tokens},
};

/// Three tabs and a thief; each holds one refresh token.
const CLIENTS: usize = 4;
/// Clients in a hurry: within the limit of ten a minute, and at its edges.
const HURRIED: [i64; 8] =
    [1, SECOND / 2, SECOND, 7 * SECOND, 20 * SECOND, MINUTE - 1, MINUTE - 7 * SECOND, MINUTE];
/// The edges of the interval and of a call's token.
const USUAL: [i64; 8] = [
    SECOND,
    30 * SECOND - 1,
    30 * SECOND,
    30 * SECOND + 1,
    15 * MINUTE,
    15 * MINUTE + 30 * SECOND,
    15 * MINUTE + 31 * SECOND,
    DAY,
];
/// The edges of a session's life.
const SLOW: [i64; 6] = [1, 15 * SECOND, 3 * DAY, 6 * DAY, 7 * DAY - 1, 7 * DAY];

/// Steps, played one after the other.
#[derive(Debug)]
pub(crate) struct AnyHistory(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    /// A client refreshes with the token that it holds; the answer arrives or is lost.
    Refresh { client: usize, arrives: bool },
    /// The same, sent several times at once.
    Together { client: usize, times: usize },
    /// A client refreshes again and again, each time with the token of the answer before and so long after it.
    Repeat { client: usize, times: usize, pause: i64 },
    /// One client takes the token that another holds: a shared storage, or theft.
    Copy { from: usize, to: usize },
    /// Any token that was ever handed out arrives once more, for whatever reason.
    Replay(Index),
    /// Time passes.
    Wait(i64),
    /// A client begins a session of its own.
    SignIn { client: usize },
    /// A client signs out with the token that it holds, however old it is.
    SignOut { client: usize, scope: Scope },
    /// Any access token that was ever handed out is used for a call.
    Call(Index),
    /// Something made out of a token that was handed out is presented everywhere.
    Forge { how: Forgery, what: Index, place: Index },
}

#[derive(Debug, Clone, Copy)]
enum Forgery {
    ByteChanged(u8),
    Cut,
    Unsigned,
    SignedByAnother,
    SignedByAnotherInOurName,
    WrongKind,
}

impl Property for AnyHistory {
    fn histories() -> impl Strategy<Value = Self> {
        let of = |waits| prop::collection::vec(steps(waits), 1..60);
        prop_oneof![of(&HURRIED), of(&USUAL), of(&SLOW)].prop_map(Self)
    }

    async fn play(&self, world: &World) -> TestCaseResult {
        let person = world.person().await;
        let mut play = Play::begin(world, &person);
        for step in &self.0 {
            play.step(step).await?;
        }
        play.compare().await
    }
}

fn steps(waits: &'static [i64]) -> impl Strategy<Value = Step> {
    let client = || 0..CLIENTS;
    let scope = prop_oneof![3 => Just(Scope::Local), 1 => Just(Scope::Others), 1 => Just(Scope::Global)];
    let how = prop_oneof![
        4 => (0..128_u8).prop_map(Forgery::ByteChanged),
        1 => Just(Forgery::Cut),
        1 => Just(Forgery::Unsigned),
        1 => Just(Forgery::SignedByAnother),
        1 => Just(Forgery::SignedByAnotherInOurName),
        1 => Just(Forgery::WrongKind),
    ];
    let pause = prop_oneof![Just(0), prop::sample::select(waits)];
    let forge = |(how, what, place)| Step::Forge { how, what, place };
    prop_oneof![
        24 => (client(), any::<bool>()).prop_map(|(client, arrives)| Step::Refresh { client, arrives }),
        6 => (client(), 2..6_usize).prop_map(|(client, times)| Step::Together { client, times }),
        3 => (client(), 2..14_usize, pause).prop_map(|(client, times, pause)| Step::Repeat { client, times, pause }),
        10 => (client(), client()).prop_map(|(from, to)| Step::Copy { from, to }),
        2 => any::<Index>().prop_map(Step::Replay),
        18 => prop::sample::select(waits).prop_map(Step::Wait),
        2 => client().prop_map(|client| Step::SignIn { client }),
        1 => (client(), scope).prop_map(|(client, scope)| Step::SignOut { client, scope }),
        8 => any::<Index>().prop_map(Step::Call),
        2 => (how, any::<Index>(), any::<Index>()).prop_map(forge),
    ]
}

/// One history under way.
struct Play<'w> {
    world: &'w World,
    person: &'w Person,
    families: Vec<Family>,
    /// What each family began with.
    begun: Vec<SignedIn>,
    /// The family and the token that each client holds.
    held: [(usize, usize); CLIENTS],
    /// Family, time and text of every access token.
    access: Vec<(usize, i64, String)>,
    caught: usize,
}

impl<'w> Play<'w> {
    fn begin(world: &'w World, person: &'w Person) -> Self {
        let mut play = Self {
            world,
            person,
            families: Vec::new(),
            begun: Vec::new(),
            held: [(0, 0); CLIENTS],
            access: Vec::new(),
            caught: 0,
        };
        play.enter(person.first.clone());
        play
    }

    fn enter(&mut self, signed_in: SignedIn) {
        let now = self.world.now().micros();
        self.access.push((self.families.len(), now, signed_in.access.token.clone()));
        self.families.push(Family::begin(&signed_in.refresh.token, now));
        self.begun.push(signed_in);
    }

    async fn step(&mut self, step: &Step) -> TestCaseResult {
        match step {
            Step::Refresh { client, arrives } => self.refresh(*client, 1, *arrives).await,
            Step::Together { client, times } => self.refresh(*client, *times, true).await,
            Step::Repeat { client, times, pause } => {
                for _ in 0..*times {
                    self.refresh(*client, 1, true).await?;
                    self.pass(*pause);
                }
                Ok(())
            }
            Step::Replay(which) => {
                let all: Vec<(usize, usize)> = self.handed_out();
                let (family, nth) = all[which.index(all.len())];
                self.present(family, nth, 1).await.map(|_| ())
            }
            Step::Copy { from, to } => {
                self.held[*to] = self.held[*from];
                Ok(())
            }
            Step::Wait(micros) => {
                self.pass(*micros);
                Ok(())
            }
            Step::SignIn { client } => {
                self.held[*client] = (self.families.len(), 0);
                let signed_in = self.world.sign_in(self.person).await;
                self.enter(signed_in);
                Ok(())
            }
            Step::SignOut { client, scope } => self.sign_out(*client, *scope).await,
            Step::Call(which) => self.call(which.index(self.access.len())).await,
            Step::Forge { how, what, place } => self.forge(*how, *what, *place).await,
        }
    }

    fn pass(&self, micros: i64) {
        self.world.clock.advance(Duration::from_micros(micros.unsigned_abs()));
    }

    fn handed_out(&self) -> Vec<(usize, usize)> {
        let of = |(family, told): (usize, &Family)| (0..told.tokens.len()).map(move |nth| (family, nth));
        self.families.iter().enumerate().flat_map(of).collect()
    }

    async fn refresh(&mut self, client: usize, times: usize, arrives: bool) -> TestCaseResult {
        let (family, nth) = self.held[client];
        let answered = self.present(family, nth, times).await?;
        if answered && arrives {
            self.held[client] = (family, self.families[family].tokens.len() - 1);
        }
        Ok(())
    }

    /// Presents a token several times at once; whether it was answered with another one.
    async fn present(&mut self, family: usize, nth: usize, times: usize) -> Result<bool, TestCaseError> {
        let now = self.world.now().micros();
        let token = self.families[family].tokens[nth].clone();
        let (auth, client) = (&self.world.services.auth, Client::default());
        let answers = join_all((0..times).map(|_| auth.refresh(&token, &client))).await;
        let expected = self.families[family].present(nth, now);
        if let (Expected::New, Some(Ok(Refreshed { refresh, .. }))) = (expected, answers.first()) {
            prop_assert!(self.handed_out_nowhere(&refresh.token), "an old token as a new one");
            self.families[family].hand_out(&refresh.token);
        }
        for answer in answers {
            match (expected, answer) {
                (Expected::New | Expected::Current, Ok(Refreshed { access, refresh, at: _ })) => {
                    prop_assert_eq!(&refresh.token, self.families[family].current());
                    self.access.push((family, now, access.token));
                }
                (
                    Expected::Wait(micros),
                    Err(AuthError::TooManyRefreshes(TooManyRotations { retry_after })),
                ) => {
                    prop_assert_eq!(retry_after, Duration::from_micros(micros.unsigned_abs()));
                }
                (Expected::Refused | Expected::Caught, Err(AuthError::RefreshTokenInvalid)) => {}
                (expected, answer) => prop_assert!(false, "expected {expected:?}, got {answer:?}"),
            }
        }
        self.caught += usize::from(expected == Expected::Caught);
        Ok(matches!(expected, Expected::New | Expected::Current))
    }

    fn handed_out_nowhere(&self, token: &str) -> bool {
        self.families.iter().all(|family| !family.tokens.iter().any(|known| known == token))
    }

    async fn sign_out(&mut self, client: usize, scope: Scope) -> TestCaseResult {
        let (family, nth) = self.held[client];
        let now = self.world.now().micros();
        let token = self.families[family].tokens[nth].clone();
        let wish = SignOut { refresh_token: Some(token), scope, ..SignOut::default() };
        self.world.services.auth.sign_out(wish).await.unwrap();
        if !self.families[family].is_live(now) {
            return Ok(());
        }
        for (index, other) in self.families.iter_mut().enumerate() {
            other.ended |= match scope {
                Scope::Local => index == family,
                Scope::Others => index != family,
                Scope::Global => true,
            };
        }
        Ok(())
    }

    async fn call(&self, nth: usize) -> TestCaseResult {
        let (family, made_at, token) = &self.access[nth];
        let life = i64::try_from(ACCESS.as_micros()).unwrap();
        let expected = self.families[*family].admits(*made_at, life, self.world.now().micros());
        let admitted = self.world.services.auth.authenticate(token).await;
        prop_assert_eq!(admitted.is_ok(), expected, "{:?}", admitted);
        Ok(())
    }

    async fn forge(&self, how: Forgery, what: Index, place: Index) -> TestCaseResult {
        let all = self.handed_out();
        let (family, nth) = all[what.index(all.len())];
        let token = &self.families[family].tokens[nth];
        let (_, _, access) = &self.access[what.index(self.access.len())];
        let (forged, is_access) = match how {
            Forgery::ByteChanged(byte) => (changed(token, place, byte), false),
            Forgery::Cut => (token[..place.index(token.len())].to_owned(), false),
            Forgery::Unsigned => (unsigned(token), false),
            Forgery::SignedByAnother => (self.signed_by_another(token, false), false),
            Forgery::SignedByAnotherInOurName => (self.signed_by_another(token, true), false),
            Forgery::WrongKind => (access.clone(), true),
        };
        if forged == *token {
            return Ok(());
        }
        let before = self.world.rows(self.person, &self.begun).await;
        let auth = &self.world.services.auth;
        let refreshed = auth.refresh(&forged, &Client::default()).await;
        prop_assert!(matches!(refreshed, Err(AuthError::RefreshTokenInvalid)), "{refreshed:?}");
        if !is_access {
            let admitted = auth.authenticate(&forged).await;
            prop_assert!(matches!(admitted, Err(AuthError::TokenInvalid)), "{admitted:?}");
            let (bearer, refresh_token) = (Some(forged.clone()), Some(forged));
            let wish = SignOut { bearer, refresh_token, scope: Scope::Global, client: Client::default() };
            auth.sign_out(wish).await.unwrap();
        }
        prop_assert_eq!(before, self.world.rows(self.person, &self.begun).await);
        Ok(())
    }

    /// The claims of a token under another deployment's key; also with our header, so that the key seems to be ours.
    fn signed_by_another(&self, token: &str, in_our_name: bool) -> String {
        let now = self.world.now();
        let claims = tokens(b"the secret of this deployment, 32 bytes and more");
        let Ok(claims) = claims.verify_refresh(token, now, Expiry::Ignored) else { return String::new() };
        let another = tokens(b"the secret of another deployment, which is as long");
        let forged = another.sign_refresh(&claims, &another.key_id()).unwrap();
        let (header, rest) = forged.split_once('.').unwrap();
        let ours = token.split('.').next().unwrap();
        format!("{}.{rest}", if in_our_name { ours } else { header })
    }

    /// What is stored at the end.
    async fn compare(&self) -> TestCaseResult {
        for (family, signed_in) in self.families.iter().zip(&self.begun) {
            let row = self.world.session(signed_in).await;
            prop_assert_eq!(row.generation, i64::try_from(family.tokens.len()).unwrap());
            prop_assert_eq!(row.ended.is_some(), family.ended);
        }
        let caught = self.world.count(self.person, EventKind::RefreshTokenReuse).await;
        prop_assert_eq!(caught, self.caught);
        let signed_in = self.world.count(self.person, EventKind::SignedIn).await;
        prop_assert_eq!(signed_in, self.families.len() - 1);
        for nth in 0..self.access.len() {
            self.call(nth).await?;
        }
        Ok(())
    }
}

fn changed(token: &str, place: Index, byte: u8) -> String {
    let mut bytes = token.as_bytes().to_vec();
    let place = place.index(bytes.len());
    bytes[place] = byte;
    String::from_utf8(bytes).unwrap()
}

/// The same claims under `alg: none`, with an empty signature.
fn unsigned(token: &str) -> String {
    let (header, rest) = token.split_once('.').unwrap();
    let header = String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    let header = URL_SAFE_NO_PAD.encode(header.replace("HS256", "none"));
    format!("{header}.{}.", rest.split('.').next().unwrap())
}
