//! Forged personal access tokens: each with one fault, its checksum right unless the row is about the checksum.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use holdfast_application::{
    domain::{PersonalTokenId, UserId},
    ports::PersonalTokenText,
};
use reqwest::Method;
use serde_json::json;

use crate::app::{PASSWORD, Person, TestApp};

/// An account and a token that do not exist.
const NOBODY: &str = "0190c42e-7f3a-7cc1-9b6a-0123456789ab";

/// What the forger works with.
pub(super) struct Personal {
    /// A good one that may read and write.
    pub(super) own: String,
    /// A good one of another person.
    stranger: String,
    /// One that its owner has revoked.
    revoked: String,
}

impl Personal {
    pub(super) async fn of(app: &TestApp, own: &Person, stranger: &Person) -> Self {
        let (_, good) = made(app, own).await;
        let (id, revoked) = made(app, own).await;
        let done = app.call(own, Method::DELETE, &format!("/api/v1/auth/tokens/{id}"), None).await;
        assert_eq!(done.status, 200, "{}", done.text);
        Self { own: good, stranger: made(app, stranger).await.1, revoked }
    }

    /// Names and texts of tokens that are none.
    pub(super) fn forged(&self, session: &str) -> Vec<(String, String)> {
        let Self { own, stranger, revoked } = self;
        let [mine, their] = [own, stranger].map(|token| Parts::of(token));
        let letters = own.strip_prefix("hfp_").unwrap();
        let mut rows = vec![
            ("revoked", revoked.clone()),
            ("cut by one letter", own[..own.len() - 1].to_owned()),
            ("cut to its beginning", own[..20].to_owned()),
            ("without its checksum", own[..own.len() - 7].to_owned()),
            ("with one letter more", format!("{own}A")),
            ("padded", format!("{own}=")),
            ("the prefix alone", "hfp_".to_owned()),
            ("without the prefix", letters.to_owned()),
            ("the prefix twice", format!("hfp_{own}")),
            ("the prefix in capitals", format!("HFP_{letters}")),
            ("the prefix of somebody else's tokens", format!("ghp_{letters}")),
            ("all in lower case", own.to_lowercase()),
            ("a full stop inside", format!("{}.{}", &own[..40], &own[40..])),
            ("two in a row", format!("{own}{own}")),
            ("a session's token with the prefix", format!("hfp_{session}")),
            ("a personal token as the last part of another", format!("{session}{own}")),
            ("own secret, another person's account", mine.sealed(their.owner, mine.id)),
            ("own secret, another person's token", mine.sealed(their.owner, their.id)),
            ("own account and secret, another person's token", mine.sealed(mine.owner, their.id)),
            ("another person's secret, own token", their.sealed(mine.owner, mine.id)),
            (
                "no secret, another person's token",
                Parts { secret: [0; 32], ..their }.sealed(their.owner, their.id),
            ),
            (
                "account and token swapped",
                mine.sealed(UserId::new(mine.id.uuid()), PersonalTokenId::new(mine.owner.uuid())),
            ),
            ("ids of nobody", mine.sealed(NOBODY.parse().unwrap(), NOBODY.parse().unwrap())),
        ]
        .into_iter()
        .map(|(name, token)| (format!("a personal token, {name}"), token))
        .collect::<Vec<_>>();
        rows.extend((4..own.len()).step_by(7).map(|at| {
            let other = if &own[at..=at] == "A" { "B" } else { "A" };
            (
                format!("a personal token, letter {at} mistyped"),
                format!("{}{other}{}", &own[..at], &own[at + 1..]),
            )
        }));
        rows
    }
}

/// What a token is made of.
#[derive(Clone, Copy)]
struct Parts {
    id: PersonalTokenId,
    owner: UserId,
    secret: [u8; 32],
}

impl Parts {
    fn of(token: &str) -> Self {
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix("hfp_").unwrap()).unwrap();
        let claim = PersonalTokenText::open(token).unwrap();
        Self { id: claim.id, owner: claim.owner, secret: bytes[32..64].try_into().unwrap() }
    }

    fn sealed(&self, owner: UserId, id: PersonalTokenId) -> String {
        PersonalTokenText::seal(owner, id, &self.secret).0.expose().to_owned()
    }
}

async fn made(app: &TestApp, person: &Person) -> (String, String) {
    let scopes = ["tasks:read", "tasks:write"];
    let wish = json!({ "name": "loot", "scopes": scopes, "password": PASSWORD });
    let answer = app.call(person, Method::POST, "/api/v1/auth/tokens", Some(&wish)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let text = |name: &str| answer.body["data"][name].as_str().unwrap().to_owned();
    (text("id"), text("token"))
}
