//! A merge patch of a task against a model made of a map, as RFC 7396 describes it.

use std::collections::BTreeMap;

use holdfast_application::{
    Patch,
    domain::{
        Timestamp,
        tasks::{Description, Priority, Revision, Task, Title},
    },
    ports::TaskChanges,
};
use holdfast_testkit::fixtures::{at, micros, owner, task};
use proptest::{collection::vec, option, prelude::*, sample::select};

/// The members of a task by name; an absent one is not there.
type Members = BTreeMap<&'static str, String>;
/// What a patch says: nothing about absent members, null or a value about the others.
type Said = BTreeMap<&'static str, Option<String>>;

fn members(task: &Task) -> Members {
    let due = task.due.map(|due| due.micros().to_string());
    let description = task.description.as_ref().map(|text| text.as_str().to_owned());
    let always = [
        ("title", task.title.as_str().to_owned()),
        ("priority", task.priority.name().to_owned()),
        ("completed", task.completed.to_string()),
    ];
    let sometimes = [("due", due), ("description", description)];
    let present = sometimes.into_iter().filter_map(|(name, value)| Some((name, value?)));
    always.into_iter().chain(present).collect()
}

fn merge(members: &mut Members, said: Said) {
    for (name, value) in said {
        match value {
            None => members.remove(name),
            Some(value) => members.insert(name, value),
        };
    }
}

fn patch<T>(said: &Said, name: &str, parse: impl Fn(&str) -> T) -> Patch<T> {
    match said.get(name) {
        None => Patch::Keep,
        Some(None) => Patch::Clear,
        Some(Some(value)) => Patch::Set(parse(value)),
    }
}

fn changes(said: &Said) -> TaskChanges {
    let value = |name| said.get(name).cloned().flatten();
    TaskChanges {
        title: value("title").map(Title::stored),
        description: patch(said, "description", |text| Description::stored(text.to_owned())),
        due: patch(said, "due", |text| micros(text.parse().unwrap())),
        priority: value("priority").map(|name| name.parse().unwrap()),
        completed: value("completed").map(|text| text.parse().unwrap()),
    }
}

/// A patch in which the members that cannot be cleared never are null: the surfaces refuse that.
fn said() -> impl Strategy<Value = Said> {
    let priorities = Priority::ALL.map(|priority| priority.name().to_owned()).to_vec();
    let due = any::<i32>().prop_map(|micros| micros.to_string());
    (
        option::of(select(vec!["", "a", "B c"])),
        option::of(option::of(select(vec!["", "words", "Ä"]))),
        option::of(option::of(due)),
        option::of(select(priorities)),
        option::of(any::<bool>()),
    )
        .prop_map(|(title, description, due, priority, completed)| {
            let owned = str::to_owned;
            let members = [
                ("title", title.map(|text| Some(owned(text)))),
                ("description", description.map(|text| text.map(owned))),
                ("due", due),
                ("priority", priority.map(Some)),
                ("completed", completed.map(|completed| Some(completed.to_string()))),
            ];
            members.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
        })
}

proptest! {
    #[test]
    fn a_row_of_patches_does_what_the_model_says(patches in vec(said(), 0..12)) {
        let start = task(owner()).description("before").due(Some(at(1))).build();
        let (mut task, mut model) = (start.clone(), members(&start));
        let mut now: Timestamp = at(0);
        for (seconds, said) in (1..).zip(&patches) {
            now = at(seconds);
            changes(said).apply(&mut task, now);
            merge(&mut model, said.clone());
            prop_assert_eq!(members(&task), model.clone());
        }
        prop_assert_eq!(task.revision, Revision::new(1 + i64::try_from(patches.len()).unwrap()));
        prop_assert_eq!(task.updated_at, now);
        prop_assert_eq!((task.id, task.owner, task.created_at), (start.id, start.owner, start.created_at));
    }

    #[test]
    fn a_replacement_never_keeps(before in option::of(any::<u8>()), after in option::of(any::<u8>())) {
        let mut target = before;
        Patch::replace(after).apply(&mut target);
        prop_assert_eq!(target, after);
    }
}

#[test]
fn what_is_not_said_is_kept() {
    assert_eq!(Patch::<u8>::default(), Patch::Keep);
    let before = task(owner()).description("").build();
    let mut after = before.clone();
    TaskChanges::default().apply(&mut after, at(3));
    assert_eq!(after, Task { revision: Revision::new(2), updated_at: at(3), ..before });
}
