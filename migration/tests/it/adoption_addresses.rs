//! E-mail addresses that two accounts share, and addresses that nobody can sign in with.

use migration::{Engine, Runner};

use crate::fastapi::{ANN, NAMELESS, Old, SUMMER, TWIN, on_both_forms};

on_both_forms!(
    a_pair_is_new_once_and_stands_from_then_on,
    an_address_that_somebody_kept_is_not_given_to_a_newcomer,
    accounts_whose_address_contains_u_0000_arrive_and_are_told_by_their_ids,
);

const NEWCOMER: &str = "55555555-5555-4555-8555-555555555555";
const ANOTHER: &str = "66666666-6666-4666-8666-666666666666";

impl Old {
    async fn rename(&self, id: &str, email: &str) {
        let (id, at) = (self.id(id), self.time(SUMMER));
        self.execute(&format!("UPDATE \"user\" SET email = '{email}', updated_at = {at} WHERE id = {id}"))
            .await;
    }

    async fn sign_up_here(&self, number: u8, email: &str) {
        self.fixture
            .execute(&format!(
                "INSERT INTO users (id, email, email_folded, email_claim, role, is_active, email_verified, created_at, \
                     updated_at) VALUES ({{id:{number}}}, '{email}', '{email}', '{email}', 'user', TRUE, FALSE, {{at:1}}, \
                     {{at:2}})"
            ))
            .await
            .unwrap();
    }
}

async fn a_pair_is_new_once_and_stands_from_then_on(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    old.sign_up_here(5, "neu@x").await;
    old.sign_up_here(6, "two@x").await;
    old.insert_person(NEWCOMER, "neu@x").await;
    let of_newcomer = format!("neu@x: 00000005-0000-7000-8000-000000000000 here, {NEWCOMER} there");
    let of_ann = format!("two@x: 00000006-0000-7000-8000-000000000000 here, {ANN} there");
    let taken = runner.adopt_changes().await.unwrap();
    assert_eq!((taken.conflicts, &taken.same_address), (1, &vec![of_newcomer.clone()]), "{taken}");
    // By hand, without a date.
    let ann = old.id(ANN);
    old.execute(&format!("UPDATE \"user\" SET email = 'two@x' WHERE id = {ann}")).await;
    let taken = runner.adopt_changes().await.unwrap();
    assert_eq!((taken.conflicts, &taken.same_address), (1, &vec![of_ann.clone()]), "{taken}");
    assert_eq!(taken.standing_addresses, std::slice::from_ref(&of_newcomer));
    for _ in 0..2 {
        let taken = runner.adopt_changes().await.unwrap();
        assert_eq!((taken.new_users, taken.changed_users, taken.conflicts), (0, 0, 0), "{taken}");
        assert!(taken.same_address.is_empty(), "{taken}");
        assert_eq!(taken.standing_addresses, [of_newcomer.clone(), of_ann.clone()]);
        assert!(taken.to_string().contains(&format!("still the same address on both sides: {of_ann}")));
    }
    old.rename(ANN, "three@x").await;
    let taken = runner.adopt_changes().await.unwrap();
    assert_eq!((taken.changed_users, taken.standing_addresses), (1, vec![of_newcomer]));
    old.rename(ANN, "two@x").await;
    assert_eq!(runner.adopt_changes().await.unwrap().same_address, [of_ann]);
}

async fn an_address_that_somebody_kept_is_not_given_to_a_newcomer(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    old.sign_up_here(5, "neu@x").await;
    old.rename(ANN, "neu@x").await;
    old.insert_person(ANOTHER, "Ann@Exämple.org").await;
    let taken = runner.adopt_changes().await.unwrap();
    assert_eq!(
        taken.same_address,
        [
            format!("Ann@Exämple.org: {ANN} here, {ANOTHER} there"),
            format!("neu@x: 00000005-0000-7000-8000-000000000000 here, {ANN} there"),
        ]
    );
    let twice = "SELECT email FROM users GROUP BY email HAVING count(*) > 1";
    assert!(old.fixture.texts(twice).await.is_empty());
}

async fn accounts_whose_address_contains_u_0000_arrive_and_are_told_by_their_ids(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    if old.fixture.engine() == Engine::Postgres {
        assert!(runner.survey().await.unwrap().unwrap().unreachable.is_empty());
        runner.up(None).await.unwrap();
        assert!(runner.adoption().await.unwrap().unwrap().unreachable.is_empty());
        return;
    }
    let [twin, nameless] = [TWIN, NAMELESS].map(|id| old.id(id));
    let address = |id: &str| {
        format!(
            "SELECT hex(CAST(email AS BLOB)) || ' ' || is_active FROM users WHERE id = {}",
            old.our_id(id)
        )
    };
    old.execute(&format!("UPDATE \"user\" SET email = 'a' || char(0) || 'b@x' WHERE id = {twin}")).await;
    let survey = runner.survey().await.unwrap().unwrap();
    assert!(survey.faults.is_empty());
    assert_eq!(survey.unreachable, [TWIN]);
    let told = format!("account {TWIN}: its e-mail address contains the character U+0000");
    assert!(survey.to_string().contains(&told), "{survey}");
    runner.up(None).await.unwrap();
    assert_eq!(runner.adoption().await.unwrap().unwrap().unreachable, [TWIN]);
    assert_eq!(old.fixture.texts(&address(TWIN)).await, ["6100624078 1"]);
    assert_eq!(runner.adopt_changes().await.unwrap(), migration::TakenOver::default());
    let at = old.time(SUMMER);
    old.execute(&format!(
        "UPDATE \"user\" SET email = char(0), updated_at = {at} WHERE id = {nameless}; \
         UPDATE \"user\" SET email = 'mended@x', updated_at = {at} WHERE id = {twin}"
    ))
    .await;
    let taken = runner.adopt_changes().await.unwrap();
    assert_eq!(taken.unreachable, [NAMELESS]);
    assert!(taken.to_string().contains(&format!("account {NAMELESS}: its e-mail")), "{taken}");
    assert_eq!(runner.adoption().await.unwrap().unwrap().unreachable, [NAMELESS]);
    let mended = format!("SELECT email FROM users WHERE id = {}", old.our_id(TWIN));
    assert_eq!(old.fixture.texts(&mended).await, ["mended@x"]);
}
