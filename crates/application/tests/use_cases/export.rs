//! Taking along all that is kept about one's own account.

use holdfast_application::{
    Actor,
    domain::{
        PersonalTokenId, UserId,
        personal_tokens::{PersonalToken, TokenLife, TokenName, TokenScope, TokenScopes},
        sessions::{AuthEvent, EventKind, Session},
        tasks::Task,
        users::{LinkPurpose, LinkedAccount},
    },
    ports::{PendingLink, Repositories as _, StoreError, TokenHash},
    users::{Export, ExportPiece, UserError},
};
use holdfast_testkit::{
    conformance::Adopt as _,
    fixtures::{at, event, owner, session, task},
    ids::unique,
};

use crate::world::{ADA, World};

/// What an export told, list by list, and how many pieces there were of each.
#[derive(Default)]
struct Told {
    links: Vec<LinkedAccount>,
    sessions: Vec<Session>,
    tokens: Vec<PersonalToken>,
    pending: Vec<PendingLink>,
    events: Vec<AuthEvent>,
    tasks: Vec<Task>,
    pieces: [usize; 6],
}

async fn told(mut export: Export) -> Told {
    let mut told = Told::default();
    let mut lists = Vec::new();
    while let Some(piece) = export.next().await.unwrap() {
        let (list, rows) = match piece {
            ExportPiece::LinkedAccounts(links) => (0, extend(&mut told.links, links)),
            ExportPiece::Sessions(sessions) => (1, extend(&mut told.sessions, sessions)),
            ExportPiece::PersonalTokens(tokens) => (2, extend(&mut told.tokens, tokens)),
            ExportPiece::PendingLinks(links) => (3, extend(&mut told.pending, links)),
            ExportPiece::Events(events) => (4, extend(&mut told.events, events)),
            ExportPiece::Tasks(tasks) => (5, extend(&mut told.tasks, tasks)),
        };
        assert!(rows <= 100, "{rows} rows at once");
        told.pieces[list] += 1;
        lists.push(list);
    }
    assert!(lists.is_sorted(), "{lists:?}");
    assert!(export.next().await.unwrap().is_none());
    told
}

fn extend<T>(all: &mut Vec<T>, more: Vec<T>) -> usize {
    let rows = more.len();
    all.extend(more);
    rows
}

async fn ada_with(world: &World, rows: u64) -> Actor {
    let ada = world.actor(&world.sign_up(ADA).await).await;
    fill(world, ada.user, rows).await;
    ada
}

async fn fill(world: &World, user: UserId, rows: u64) {
    for n in 0..rows {
        world.rows.tasks().insert(&task(user).created_at(at(n / 3)).build()).await.unwrap();
        world.rows.sessions().insert(&session(user)).await.unwrap();
        world.rows.audit().append(&event(user, EventKind::SignedIn, at(n / 3))).await.unwrap();
    }
    let scopes = TokenScopes::new(TokenScope::ALL).unwrap();
    let (id, name) = (PersonalTokenId::new(unique()), TokenName::new("backup").unwrap());
    let token = PersonalToken::issue(id, user, name, scopes, TokenLife::default(), at(0));
    world.rows.personal_tokens().insert(&token, TokenHash([1; 32])).await.unwrap();
    let link = LinkedAccount {
        id: format!("link of {user}"),
        provider_id: "github".to_owned(),
        account_id: "4711".to_owned(),
        created_at: at(0),
        updated_at: at(0),
    };
    world.rows.link(user, &link).await.unwrap();
}

#[tokio::test]
async fn every_row_of_the_account_is_told_once_a_hundred_at_most_at_a_time() {
    for rows in [0, 1, 98, 99, 100, 101, 250] {
        let world = World::new();
        let ada = ada_with(&world, rows).await;
        let other = world.sign_up("other@example.com").await;
        fill(&world, other.user.id, 3).await;
        let export = world.services.users.export(ada).await.unwrap();
        assert_eq!(export.user, world.account(ADA).await.unwrap().user);
        let Told { links, mut sessions, tokens, pending, events, tasks, pieces } = told(export).await;
        assert_eq!(links, world.rows.users().linked_accounts(ada.user).await.unwrap());
        assert_eq!((links.len(), pieces[0]), (1, 1));
        assert_eq!(tokens, world.rows.personal_tokens().list(ada.user).await.unwrap());
        assert_eq!((tokens.len(), pieces[2]), (1, 1));
        assert_eq!(pending, world.rows.one_time_tokens().pending(ada.user, at(0)).await.unwrap());
        assert_eq!(pieces[3], 1);
        // One session and one entry are of the sign-up.
        let count = usize::try_from(rows).unwrap();
        assert_eq!((sessions.len(), events.len(), tasks.len()), (count + 1, count + 1, count));
        let pages = [(count + 1) / 100 + 1, (count + 1) / 100 + 1, count / 100 + 1];
        assert_eq!([pieces[1], pieces[4], pieces[5]], pages);
        assert!(sessions.iter().all(|session| session.owner == ada.user));
        sessions.dedup_by_key(|session| session.id);
        assert_eq!(sessions.len(), count + 1);
        assert_eq!(events, world.rows.audit().latest(ada.user, None, 1_000).await.unwrap());
        assert!(tasks.iter().all(|task| task.owner == ada.user));
        assert!(tasks.is_sorted_by_key(|task| (task.created_at, task.id)));
    }
}

#[tokio::test]
async fn links_in_mails_are_told_while_they_are_good() {
    let world = World::new();
    let ada = ada_with(&world, 0).await;
    world.services.auth.forgot_password(ADA.to_owned()).unwrap();
    world.post().await;
    let told_at = async |seconds| {
        world.clock.set(at(seconds));
        told(world.services.users.export(ada).await.unwrap()).await.pending
    };
    let (reset, day) = (LinkPurpose::ResetPassword, 86_400);
    let pending = told_at(1_799).await;
    assert_eq!(pending.len(), 2, "the sign-up sent one as well: {pending:?}");
    for link in &pending {
        assert_eq!(link.expires_at, link.created_at.plus(link.purpose.lifetime()));
    }
    assert!(pending.iter().any(|link| link.purpose == reset));
    let left = told_at(1_800).await;
    assert_eq!((left.len(), left[0].purpose), (1, LinkPurpose::VerifyEmail), "the reset is over");
    assert_eq!(told_at(day).await, []);
}

#[tokio::test]
async fn a_task_that_comes_meanwhile_is_the_last() {
    let world = World::new();
    let ada = ada_with(&world, 100).await;
    let late = task(ada.user).created_at(at(1_000)).build();
    let mut export = world.services.users.export(ada).await.unwrap();
    let mut tasks = Vec::new();
    while let Some(piece) = export.next().await.unwrap() {
        if let ExportPiece::Tasks(piece) = piece {
            if tasks.is_empty() {
                world.rows.tasks().insert(&late).await.unwrap();
            }
            tasks.extend(piece);
        }
    }
    assert_eq!((tasks.len(), tasks.last()), (101, Some(&late)));
}

#[tokio::test]
async fn a_piece_that_could_not_be_read_is_asked_for_again() {
    let world = World::new();
    let ada = ada_with(&world, 1).await;
    let mut export = world.services.users.export(ada).await.unwrap();
    assert!(matches!(export.next().await, Ok(Some(ExportPiece::LinkedAccounts(_)))));
    world.faults.fail_next(StoreError::Unavailable("gone".into()));
    assert!(matches!(export.next().await, Err(UserError::Store(StoreError::Unavailable(_)))));
    assert_eq!(told(export).await.sessions.len(), 2);
}

#[tokio::test]
async fn an_export_whose_account_goes_meanwhile_never_ends_as_if_it_were_whole() {
    for pieces in 0..=6 {
        let world = World::new();
        let ada = ada_with(&world, 1).await;
        let mut export = world.services.users.export(ada).await.unwrap();
        for _ in 0..pieces {
            assert!(export.next().await.unwrap().is_some());
        }
        assert!(world.rows.users().delete(ada.user).await.unwrap());
        let end = loop {
            match export.next().await {
                Ok(Some(_)) => {}
                end => break end,
            }
        };
        assert!(matches!(end, Err(UserError::AccountGone)), "behind {pieces} pieces: {end:?}");
        assert!(export.next().await.is_err(), "nor later");
    }
}

#[tokio::test]
async fn without_an_account_there_is_nothing_to_export() {
    let world = World::new();
    let ada = ada_with(&world, 0).await;
    let refused = world.services.users.export(Actor { user: owner(), ..ada }).await;
    assert!(matches!(refused, Err(UserError::AccountGone)));
}
