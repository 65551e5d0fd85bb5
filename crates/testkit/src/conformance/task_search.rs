//! The search for text.

use holdfast_application::{
    domain::{
        UserId,
        tasks::{Description, Title},
        text::fold,
    },
    ports::{TaskChanges, TaskFilter},
};

use super::{
    Fresh,
    reference::{ORDERS, all_of},
};
use crate::fixtures::{at, task};
use holdfast_application::Patch;

/// The titles of the tasks in which `text` is found as it stands, in the order of their creation.
async fn found(fresh: &Fresh, owner: UserId, text: &str) -> Vec<String> {
    let filter = TaskFilter { text: Some(text.to_owned()), ..TaskFilter::default() };
    let tasks = fresh.store.tasks().list(owner, &all_of(&filter, ORDERS[0])).await.unwrap();
    assert_eq!(fresh.store.tasks().count(owner, &filter).await.unwrap(), tasks.len() as u64, "{text:?}");
    tasks.into_iter().map(|task| task.title.into_string()).collect()
}

/// A new owner with tasks of these titles, made one after another.
async fn titled(fresh: &Fresh, titles: &[&str]) -> UserId {
    let owner = fresh.member().await;
    for (seconds, title) in (0..).zip(titles) {
        let task = task(owner).title(title).created_at(at(seconds)).build();
        fresh.store.tasks().insert(&task).await.unwrap();
    }
    owner
}

/// `text` MUST be found literally in `Task::search_text`, `%`, `_` and `\` included.
pub async fn pattern_characters_are_found_literally(fresh: &Fresh) {
    let titles =
        ["100% sure", "100 sure", "snake_case", "snakexcase", "a\\b", "ab", "a\\%b", "[x]*?.", "it's \""];
    let owner = titled(fresh, &titles).await;
    for (text, expected) in [
        ("%", &["100% sure", "a\\%b"][..]),
        ("0%", &["100% sure"]),
        ("_", &["snake_case"]),
        ("e_c", &["snake_case"]),
        ("\\", &["a\\b", "a\\%b"]),
        ("a\\b", &["a\\b"]),
        ("\\%", &["a\\%b"]),
        ("\\_", &[]),
        ("%%", &[]),
        ("[x]", &["[x]*?."]),
        ("*", &["[x]*?."]),
        ("?", &["[x]*?."]),
        (".", &["[x]*?."]),
        ("'", &["it's \""]),
        ("\"", &["it's \""]),
        ("--", &[]),
    ] {
        assert_eq!(found(fresh, owner, text).await, expected, "{text:?}");
    }
    assert_eq!(found(fresh, owner, "").await.len(), titles.len());
}

/// `text` comes folded and is looked for in folded text; the store itself MUST NOT be generous about case.
pub async fn case_is_folded_before_and_never_by_the_store(fresh: &Fresh) {
    let owner = titled(fresh, &["Call MUM", "ÉCOLE"]).await;
    assert_eq!(found(fresh, owner, &fold("Mum")).await, ["Call MUM"]);
    assert_eq!(found(fresh, owner, &fold("école")).await, ["ÉCOLE"]);
    assert_eq!(found(fresh, owner, "MUM").await, [""; 0]);
    assert_eq!(found(fresh, owner, "É").await, [""; 0]);
}

/// Text MUST be compared code point by code point: final sigma as the common one, composed and decomposed apart.
pub async fn unicode_is_compared_code_point_by_code_point(fresh: &Fresh) {
    let owner = titled(fresh, &["ΟΔΟΣ Α", "caf\u{e9}", "cafe\u{301}", "Straße", "𝄞 clef", "日本語"]).await;
    assert_eq!(found(fresh, owner, &fold("οδος")).await, ["ΟΔΟΣ Α"]);
    assert_eq!(found(fresh, owner, &fold("ΔΟΣ α")).await, ["ΟΔΟΣ Α"]);
    assert_eq!(found(fresh, owner, "\u{e9}").await, ["caf\u{e9}"]);
    assert_eq!(found(fresh, owner, "\u{301}").await, ["cafe\u{301}"]);
    assert_eq!(found(fresh, owner, "cafe").await, ["cafe\u{301}"]);
    assert_eq!(found(fresh, owner, &fold("STRASSE")).await, [""; 0]);
    assert_eq!(found(fresh, owner, "ß").await, ["Straße"]);
    assert_eq!(found(fresh, owner, "𝄞").await, ["𝄞 clef"]);
    assert_eq!(found(fresh, owner, "𝄟").await, [""; 0]);
    assert_eq!(found(fresh, owner, "本").await, ["日本語"]);
}

/// Both texts MUST be searched, and nothing across the seam between them.
pub async fn title_and_description_are_searched_apart(fresh: &Fresh) {
    let owner = fresh.member().await;
    let task = task(owner).title("Buy bread").description("And BUTTER").build();
    fresh.store.tasks().insert(&task).await.unwrap();
    assert_eq!(found(fresh, owner, "bread").await, ["Buy bread"]);
    assert_eq!(found(fresh, owner, "butter").await, ["Buy bread"]);
    for across in ["breadand", "bread and", "bread\nand", "d%a"] {
        assert_eq!(found(fresh, owner, across).await, [""; 0], "{across:?}");
    }
}

/// An update MUST be found by what it wrote, and no more by what it replaced.
pub async fn an_update_moves_what_is_found(fresh: &Fresh) {
    let owner = fresh.member().await;
    let task = task(owner).title("Old Title").description("Old Words").build();
    fresh.store.tasks().insert(&task).await.unwrap();
    let title = Some(Title::stored("New Title".into()));
    let retitled = TaskChanges { title, ..TaskChanges::default() };
    fresh.store.tasks().update(owner, task.id, &retitled, None, at(1)).await.unwrap();
    assert_eq!(found(fresh, owner, "new title").await, ["New Title"]);
    assert_eq!(found(fresh, owner, "old title").await, [""; 0]);
    assert_eq!(found(fresh, owner, "old words").await, ["New Title"]);
    let description = Patch::Set(Description::stored("New Words".into()));
    let described = TaskChanges { description, ..TaskChanges::default() };
    fresh.store.tasks().update(owner, task.id, &described, None, at(2)).await.unwrap();
    assert_eq!(found(fresh, owner, "new words").await, ["New Title"]);
    assert_eq!(found(fresh, owner, "old words").await, [""; 0]);
    let cleared = TaskChanges { description: Patch::Clear, ..TaskChanges::default() };
    fresh.store.tasks().update(owner, task.id, &cleared, None, at(3)).await.unwrap();
    assert_eq!(found(fresh, owner, "words").await, [""; 0]);
    assert_eq!(found(fresh, owner, "title").await, ["New Title"]);
}

/// The whole of the text MUST be searched, however long it is, for a text of any length.
pub async fn a_long_text_is_searched_to_its_end(fresh: &Fresh) {
    let owner = fresh.member().await;
    let hay = "Ä🦔 ".repeat(150_000);
    let long = task(owner).title("long").description(&format!("{hay}NEEDLE")).build();
    fresh.store.tasks().insert(&long).await.unwrap();
    assert_eq!(found(fresh, owner, "needle").await, ["long"]);
    assert_eq!(found(fresh, owner, &fold(&hay[..hay.len() / 2])).await, ["long"]);
    assert_eq!(found(fresh, owner, "needles").await, [""; 0]);
}

/// A text with U+0000, which no stored text holds, MUST be found nowhere, and is no failure.
pub async fn u_0000_is_in_no_task(fresh: &Fresh) {
    let owner = titled(fresh, &["a", "a b"]).await;
    for text in ["\0", "a\0", "a\0b"] {
        assert_eq!(found(fresh, owner, text).await, [""; 0], "{text:?}");
    }
}
