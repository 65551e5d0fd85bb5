//! Key directories: what is read, what is refused and how that is told, and that each step of a rotation leaves a directory
//! that a server can start with.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by panicking")]

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use holdfast_application::domain::Timestamp;
use holdfast_infrastructure::tokens::{
    Change, Key, KeyChangeError, KeyDirectory, KeyDirectoryFault, KeyError, KeyState, NoSigningKey,
    PairAlgorithm, Retirement,
};
use holdfast_testkit::keys::{
    EC_P256, ED25519, ED25519_ENCRYPTED, ED25519_PUBLIC, OTHER_ED25519, RSA, RSA_1024, RSA_PKCS1,
};
use tempfile::TempDir;

const EDDSA: PairAlgorithm = PairAlgorithm::EdDsa;
const RS256: PairAlgorithm = PairAlgorithm::Rs256;
const WEEK: Duration = Duration::from_hours(7 * 24);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_790_000_000 + seconds).unwrap()
}

fn id(pem: &str) -> String {
    Key::from_pem(pem.as_bytes()).unwrap().0.id().to_owned()
}

struct Keys(TempDir);

impl Keys {
    fn new(files: &[(&str, &str)]) -> Self {
        let keys = Self(TempDir::new().unwrap());
        for (name, text) in files {
            keys.put(name, text, 0o600);
        }
        keys
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("keys")
    }

    fn put(&self, name: &str, text: &str, mode: u32) {
        fs::create_dir_all(self.path()).unwrap();
        let file = self.path().join(name);
        fs::write(&file, text).unwrap();
        set_mode(&file, mode);
    }

    fn read(&self) -> Result<KeyDirectory, Vec<KeyDirectoryFault>> {
        KeyDirectory::read(&self.path())
    }

    fn good(&self) -> KeyDirectory {
        self.read().unwrap_or_else(|faults| panic!("{faults:?}"))
    }

    /// Each key and its state, in order.
    fn states(&self) -> Vec<(String, KeyState)> {
        let keys = self.good();
        keys.keys().iter().map(|stored| (stored.key.id().to_owned(), stored.state)).collect()
    }

    fn signing(&self, algorithm: PairAlgorithm) -> Result<String, NoSigningKey> {
        self.good().signing(algorithm).map(|key| key.id().to_owned())
    }

    fn generate(&self, algorithm: PairAlgorithm, now: i64) -> Change {
        KeyDirectory::generate(&self.path(), algorithm, at(now)).unwrap()
    }

    fn files(&self) -> BTreeSet<String> {
        let files = fs::read_dir(self.path()).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &std::path::Path, _: u32) {}

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn signing(since: Option<i64>) -> KeyState {
    KeyState::Signing { since: since.map(at) }
}

fn previous(until: Option<i64>) -> KeyState {
    KeyState::Previous { until: until.map(at) }
}

/// A key that signed long ago may go.
fn after(wait: Duration) -> Retirement {
    Retirement { keep_public: false, signs: Some(EDDSA), wait: Some(wait) }
}

#[test]
fn a_directory_that_cannot_be_used_says_why() {
    let order = |lines: &str| Keys::new(&[("a.pem", ED25519), ("signing-order", lines)]);
    let known = id(ED25519);
    for (name, keys, fault, expected) in [
        ("empty", Keys::new(&[("readme.txt", "x")]), "holds no *.pem file", "holdfast keys generate"),
        ("hidden", Keys::new(&[(".a.pem", ED25519)]), "holds no *.pem file", "at least one key"),
        ("no PEM", Keys::new(&[("a.pem", "x")]), "\"a.pem\" is no PEM file", "PEM key"),
        ("P-256", Keys::new(&[("a.pem", EC_P256)]), "neither Ed25519 nor RSA", "Ed25519 or RSA"),
        ("weak", Keys::new(&[("a.pem", RSA_1024)]), "an RSA key of 1024 bits", "2048 to 8192"),
        ("encrypted", Keys::new(&[("a.pem", ED25519_ENCRYPTED)]), "encrypted", "openssl pkcs8"),
        ("PKCS#1", Keys::new(&[("a.pem", RSA_PKCS1)]), "another form than PKCS#8", "-topk8 -nocrypt"),
        (
            "the same key twice",
            Keys::new(&[("a.pem", ED25519), ("b.pem", ED25519)]),
            "\"a.pem\" and \"b.pem\" hold the same key",
            "each key once",
        ),
        (
            "both halves",
            Keys::new(&[("a.pem", ED25519), ("a.pub.pem", ED25519_PUBLIC)]),
            "\"a.pem\" and \"a.pub.pem\" hold the same key",
            "each key once",
        ),
        (
            "an unknown key in the order",
            order("nobody"),
            "line 1 of \"signing-order\" names a key that",
            "kid",
        ),
        ("a key again", order(&format!("# x\n{known}\n\n{known}")), "line 4 of \"signing-order\"", "kid"),
        ("no time", order(&format!("{known} yesterday")), "is not a kid and a time", "newest first"),
        ("more than a time", order(&format!("{known} 2026-11-21T10:00:00Z x")), "is not a kid and", "kid"),
    ] {
        let faults = keys.read().unwrap_err();
        let [only] = faults.as_slice() else { panic!("{name}: {faults:?}") };
        assert!(only.to_string().contains(fault), "{name}: {only}");
        assert!(only.expected().contains(expected), "{name}: {}", only.expected());
    }
}

#[test]
fn a_directory_that_is_not_there_says_so() {
    let keys = Keys::new(&[]);
    assert_eq!(keys.read().unwrap_err(), [KeyDirectoryFault::Missing]);
    fs::write(keys.path(), ED25519).unwrap();
    assert_eq!(keys.read().unwrap_err(), [KeyDirectoryFault::NotADirectory]);
}

#[test]
fn an_order_that_cannot_be_read_is_a_fault_and_not_an_order_that_is_not_there() {
    let keys = Keys::new(&[("a.pem", ED25519)]);
    fs::create_dir(keys.path().join("signing-order")).unwrap();
    let faults = keys.read().unwrap_err();
    assert!(
        matches!(&faults[..], [KeyDirectoryFault::UnreadableFile { file, .. }] if file == "signing-order"),
        "{faults:?}"
    );
}

#[test]
fn what_is_told_of_algorithms_and_states_has_names() {
    for (algorithm, name) in [(EDDSA, "EdDSA"), (RS256, "RS256")] {
        assert_eq!((algorithm.to_string(), name.parse()), (name.to_owned(), Ok(algorithm)));
        let missing = NoSigningKey::Missing(algorithm);
        assert!(missing.to_string().contains(&format!("no private {name} key")), "{missing}");
        assert!(missing.expected().contains(&format!("holdfast keys generate --algorithm {name}")));
        assert!(NoSigningKey::Undecided(algorithm).expected().contains("holdfast keys rotate KID"));
    }
    let states = [signing(None), KeyState::Published, previous(None), KeyState::VerifyOnly { until: None }];
    assert_eq!(states.map(KeyState::name), ["signing", "published", "previous", "verify-only"]);
}

#[test]
fn all_faults_come_together_and_show_nothing_of_the_files() {
    let keys = Keys::new(&[
        ("a.pem", ED25519),
        ("b.pem", "hunter2 in a file"),
        ("c.pem", RSA_1024),
        ("d.pem", ED25519),
        ("signing-order", "hunter2"),
    ]);
    fs::create_dir(keys.path().join("e.pem")).unwrap();
    let faults = keys.read().unwrap_err();
    // The order is not judged as long as a key may be missing.
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert_eq!(faults[0], KeyDirectoryFault::Key { file: "b.pem".to_owned(), cause: KeyError::NoPem });
    assert!(matches!(&faults[2], KeyDirectoryFault::Twice { second, .. } if second == "d.pem"), "{faults:?}");
    assert!(matches!(&faults[3], KeyDirectoryFault::UnreadableFile { file, .. } if file == "e.pem"));
    let told: Vec<_> = faults.iter().map(|fault| format!("{fault} {fault:?} {}", fault.expected())).collect();
    let told = told.join("\n");
    assert!(!told.contains("hunter2") && !told.contains("MC4C") && !told.contains("MII"), "{told}");
}

#[test]
#[cfg(unix)]
fn a_private_key_that_others_may_read_is_refused_and_a_public_one_is_not() {
    for mode in [0o644, 0o640, 0o604, 0o660, 0o620, 0o601, 0o777] {
        let keys = Keys::new(&[]);
        keys.put("a.pem", ED25519, mode);
        let fault = KeyDirectoryFault::Exposed { file: "a.pem".to_owned(), mode };
        assert_eq!(keys.read().unwrap_err(), std::slice::from_ref(&fault));
        assert!(fault.to_string().contains(&format!("mode {mode:04o}")), "{fault}");
        assert!(fault.expected().contains("chmod 600"));
    }
    for mode in [0o600, 0o400, 0o700] {
        let keys = Keys::new(&[]);
        keys.put("a.pem", ED25519, mode);
        assert!(keys.read().is_ok(), "{mode:o}");
    }
    let keys = Keys::new(&[]);
    keys.put("a.pub.pem", ED25519_PUBLIC, 0o644);
    assert_eq!(keys.states(), [(id(ED25519), KeyState::VerifyOnly { until: None })]);
}

#[test]
#[cfg(unix)]
fn links_to_keys_count_as_keys() {
    // Kubernetes mounts every file of a secret as a link into a hidden directory.
    let keys = Keys::new(&[(".data", ED25519)]);
    std::os::unix::fs::symlink(".data", keys.path().join("a.pem")).unwrap();
    assert_eq!(keys.signing(EDDSA), Ok(id(ED25519)));
    set_mode(&keys.path().join(".data"), 0o644);
    assert!(matches!(keys.read().unwrap_err()[0], KeyDirectoryFault::Exposed { .. }));
}

#[test]
fn names_of_files_mean_nothing_and_other_files_are_passed_over() {
    let keys =
        Keys::new(&[("whatever.pem", ED25519), ("notes.txt", "x"), ("old.pem.bak", "x"), ("pem", "x")]);
    assert_eq!(keys.signing(EDDSA), Ok(id(ED25519)));
    assert_eq!(keys.good().keys()[0].file, "whatever.pem");
}

#[test]
fn the_only_private_key_of_an_algorithm_signs_and_of_several_the_first_in_the_order() {
    let two = Keys::new(&[("a.pem", ED25519), ("b.pem", RSA)]);
    assert_eq!((two.signing(EDDSA), two.signing(RS256)), (Ok(id(ED25519)), Ok(id(RSA))));
    assert_eq!(
        Keys::new(&[("a.pem", RSA)]).signing(EDDSA),
        Err(NoSigningKey::Missing(EDDSA)),
        "a key of another algorithm does not sign"
    );
    let half = Keys::new(&[("a.pem", ED25519_PUBLIC)]);
    assert_eq!(half.signing(EDDSA), Err(NoSigningKey::Missing(EDDSA)));
    let undecided = Keys::new(&[("a.pem", ED25519), ("b.pem", OTHER_ED25519)]);
    assert_eq!(undecided.signing(EDDSA), Err(NoSigningKey::Undecided(EDDSA)));
    assert!(undecided.states().iter().all(|(_, state)| *state == KeyState::Published));
    let elsewhere = Keys::new(&[
        ("a.pem", ED25519),
        ("b.pem", OTHER_ED25519),
        ("c.pem", RSA),
        ("signing-order", &id(RSA)),
    ]);
    assert_eq!(
        elsewhere.signing(EDDSA),
        Err(NoSigningKey::Undecided(EDDSA)),
        "the order of another algorithm"
    );
    for (first, second) in [(ED25519, OTHER_ED25519), (OTHER_ED25519, ED25519)] {
        let order = format!("{}\n{} 2026-11-21T10:00:00+02:00\n{}\n", id(RSA), id(first), id(second));
        let keys = Keys::new(&[
            ("a.pem", ED25519),
            ("b.pem", OTHER_ED25519),
            ("c.pem", RSA),
            ("signing-order", &order),
        ]);
        assert_eq!((keys.signing(EDDSA), keys.signing(RS256)), (Ok(id(first)), Ok(id(RSA))));
    }
    let order = id(ED25519);
    let gone = Keys::new(&[("a.pem", ED25519_PUBLIC), ("b.pem", OTHER_ED25519), ("signing-order", &order)]);
    assert_eq!(gone.signing(EDDSA), Err(NoSigningKey::PublicHalf(EDDSA)));
}

#[test]
fn the_first_key_signs_at_once_and_the_next_is_published() {
    let keys = Keys::new(&[]);
    let first = keys.generate(EDDSA, 0);
    assert_eq!((first.algorithm, first.state), (EDDSA, Some(signing(Some(0)))));
    assert_eq!(keys.states(), [(first.id.clone(), signing(Some(0)))]);
    let second = keys.generate(EDDSA, 10);
    assert_eq!(second.state, Some(KeyState::Published));
    assert_ne!(first.id, second.id);
    assert_eq!(keys.signing(EDDSA), Ok(first.id.clone()));
    let other = keys.generate(RS256, 20);
    assert_eq!(other.state, Some(signing(Some(20))));
    assert_eq!(keys.signing(RS256), Ok(other.id.clone()));
    assert_eq!(keys.signing(EDDSA), Ok(first.id.clone()));
    let expected = [&first, &second, &other].map(|change| format!("{}.pem", change.id));
    let expected: BTreeSet<_> = expected.into_iter().chain(["signing-order".to_owned()]).collect();
    assert_eq!(keys.files(), expected, "nothing else is left behind");
}

#[test]
#[cfg(unix)]
fn what_is_written_is_readable_by_those_who_need_it() {
    let keys = Keys::new(&[]);
    let first = keys.generate(EDDSA, 0);
    assert_eq!(mode(&keys.path()), 0o700);
    assert_eq!(mode(&first.file), 0o600);
    assert_eq!(mode(&keys.path().join("signing-order")), 0o644);
    keys.generate(EDDSA, 1);
    keys.good().rotate(None, at(2)).unwrap();
    let how = Retirement { keep_public: true, ..after(Duration::ZERO) };
    let stripped = keys.good().retire(&first.id, how, at(3)).unwrap();
    assert_eq!(mode(&stripped.file), 0o644);
}

#[test]
fn a_key_that_signs_because_it_is_the_only_one_goes_on_when_another_comes() {
    let keys = Keys::new(&[("mine.pem", ED25519)]);
    assert_eq!(keys.states(), [(id(ED25519), signing(None))]);
    let second = keys.generate(EDDSA, 0);
    assert_eq!(keys.states(), [(id(ED25519), signing(None)), (second.id, KeyState::Published)]);
}

#[test]
fn a_rotation_goes_through_its_states() {
    let keys = Keys::new(&[]);
    let first = keys.generate(EDDSA, 0).id;
    assert!(matches!(keys.good().rotate(None, at(1)), Err(KeyChangeError::NothingPublished)));
    assert!(matches!(keys.good().rotate(Some(&first), at(1)), Err(KeyChangeError::SignsAlready(_))));
    let second = keys.generate(EDDSA, 10).id;
    let rotated = keys.good().rotate(None, at(20)).unwrap();
    assert_eq!((&rotated.id, rotated.state), (&second, Some(signing(Some(20)))));
    assert_eq!(keys.states(), [(second.clone(), signing(Some(20))), (first.clone(), previous(Some(20)))]);
    let third = keys.generate(EDDSA, 30).id;
    keys.good().rotate(Some(&third), at(40)).unwrap();
    assert_eq!(
        keys.states().into_iter().collect::<BTreeSet<_>>(),
        [
            (third.clone(), signing(Some(40))),
            (second.clone(), previous(Some(40))),
            (first.clone(), previous(Some(20)))
        ]
        .into()
    );
    let retired = keys.good().retire(&first, after(WEEK), at(20).plus(WEEK)).unwrap();
    assert_eq!((retired.state, retired.file.exists()), (None, false));
    assert_eq!(keys.states(), [(third.clone(), signing(Some(40))), (second.clone(), previous(Some(40)))]);
    // The way back.
    keys.good().rotate(Some(&second), at(50)).unwrap();
    assert_eq!(keys.states(), [(second, signing(Some(50))), (third, previous(Some(50)))]);
}

#[test]
fn of_several_published_keys_one_must_be_named() {
    let keys = Keys::new(&[]);
    keys.generate(EDDSA, 0);
    let (one, two) = (keys.generate(EDDSA, 1).id, keys.generate(EDDSA, 2).id);
    assert!(matches!(keys.good().rotate(None, at(3)), Err(KeyChangeError::SeveralPublished)));
    assert!(matches!(keys.good().rotate(Some("nobody"), at(3)), Err(KeyChangeError::Unknown(_))));
    keys.good().rotate(Some(&two), at(3)).unwrap();
    assert_eq!(keys.signing(EDDSA), Ok(two));
    keys.good().rotate(None, at(4)).unwrap();
    assert_eq!(keys.signing(EDDSA), Ok(one));
}

#[test]
fn where_no_order_says_who_signed_everybody_may_have() {
    let keys = Keys::new(&[("a.pem", ED25519), ("b.pem", OTHER_ED25519), ("c.pem", RSA)]);
    keys.good().rotate(Some(&id(OTHER_ED25519)), at(0)).unwrap();
    let expected =
        [(id(OTHER_ED25519), signing(Some(0))), (id(RSA), signing(None)), (id(ED25519), previous(Some(0)))];
    assert_eq!(keys.states().into_iter().collect::<BTreeSet<_>>(), expected.into());
    let order = fs::read_to_string(keys.path().join("signing-order")).unwrap();
    assert!(!order.contains(&id(RSA)), "nothing is said about another algorithm: {order}");
}

#[test]
fn nobody_is_signed_out_by_mistake() {
    let keys = Keys::new(&[]);
    let first = keys.generate(EDDSA, 0).id;
    let retire = |id: &str, how: Retirement, now: Timestamp| keys.good().retire(id, how, now);
    assert!(matches!(retire("nobody", after(WEEK), at(0)), Err(KeyChangeError::Unknown(_))));
    let at_once = Retirement { wait: None, ..after(WEEK) };
    for how in [after(WEEK), at_once, Retirement { keep_public: true, ..at_once }] {
        assert!(matches!(retire(&first, how, at(0)), Err(KeyChangeError::Signs(_))));
    }
    let second = keys.generate(EDDSA, 10).id;
    keys.good().rotate(None, at(20)).unwrap();
    let before = keys.files();
    let early = retire(&first, after(WEEK), at(19).plus(WEEK)).unwrap_err();
    assert!(matches!(&early, KeyChangeError::StillNeeded { until, .. } if *until == Some(at(20).plus(WEEK))));
    assert!(early.to_string().contains(&at(20).plus(WEEK).to_string()), "{early}");
    assert!(early.to_string().contains("--now"), "{early}");
    assert_eq!(keys.files(), before);
    // A key that leaked goes at once; one that has never signed, too.
    retire(&first, at_once, at(21)).unwrap();
    let third = keys.generate(EDDSA, 30).id;
    retire(&third, after(WEEK), at(31)).unwrap();
    assert_eq!(keys.states(), [(second, signing(Some(20)))]);
}

#[test]
fn a_key_of_an_algorithm_that_does_not_sign_any_more_goes_only_when_one_insists() {
    let keys = Keys::new(&[]);
    let (old, new) = (keys.generate(RS256, 0).id, keys.generate(EDDSA, 0).id);
    let late = at(0).plus(100 * WEEK);
    // Nobody noted when JWT_ALGORITHM changed.
    let early = keys.good().retire(&old, after(WEEK), late);
    assert!(matches!(early, Err(KeyChangeError::StillNeeded { until: None, .. })));
    keys.good().retire(&old, Retirement { wait: None, ..after(WEEK) }, late).unwrap();
    assert_eq!(keys.states(), [(new, signing(Some(0)))]);
}

#[test]
fn the_last_key_of_the_order_leaves_it_as_well() {
    let keys = Keys::new(&[("a.pem", ED25519), ("b.pem", RSA), ("signing-order", &id(ED25519))]);
    let insistent = Retirement { keep_public: false, signs: Some(RS256), wait: None };
    keys.good().retire(&id(ED25519), insistent, at(0)).unwrap();
    assert_eq!(keys.states(), [(id(RSA), signing(None))]);
}

#[test]
fn the_private_half_can_go_alone() {
    let keys = Keys::new(&[]);
    let first = keys.generate(EDDSA, 0).id;
    let second = keys.generate(EDDSA, 1).id;
    keys.good().rotate(None, at(2)).unwrap();
    let how = Retirement { keep_public: true, ..after(Duration::from_secs(30)) };
    assert!(matches!(keys.good().retire(&first, how, at(31)), Err(KeyChangeError::StillNeeded { .. })));
    let stripped = keys.good().retire(&first, how, at(32)).unwrap();
    let half = KeyState::VerifyOnly { until: Some(at(2)) };
    assert_eq!((&stripped.file, stripped.state), (&keys.path().join(format!("{first}.pub.pem")), Some(half)));
    assert_eq!(keys.states(), [(second, signing(Some(2))), (first.clone(), half)]);
    let text = fs::read_to_string(&stripped.file).unwrap();
    assert!(text.starts_with("-----BEGIN PUBLIC KEY-----"), "{text}");
    assert!(!keys.files().contains(&format!("{first}.pem")));
    // There is nothing more to strip, and nothing to sign with.
    assert!(matches!(keys.good().retire(&first, how, at(99)), Err(KeyChangeError::PublicHalf(_))));
    assert!(matches!(keys.good().rotate(Some(&first), at(99)), Err(KeyChangeError::PublicHalf(_))));
    keys.good().retire(&first, after(WEEK), at(2).plus(WEEK)).unwrap();
    assert_eq!(keys.good().keys().len(), 1);
}

#[test]
fn a_faulty_directory_is_not_written_to() {
    let keys = Keys::new(&[("a.pem", "x")]);
    let before = keys.files();
    let error = KeyDirectory::generate(&keys.path(), EDDSA, at(0)).unwrap_err();
    assert!(error.to_string().contains("is no PEM file; expected"), "{error}");
    assert_eq!(keys.files(), before);
}

#[test]
fn new_keys_are_strong_and_never_read_as_options() {
    let keys = Keys::new(&[]);
    for _ in 0..100 {
        let change = keys.generate(EDDSA, 0);
        assert!(!change.id.starts_with('-'));
        fs::remove_dir_all(keys.path()).unwrap();
    }
    let change = keys.generate(RS256, 0);
    let text = fs::read_to_string(&change.file).unwrap();
    assert!(text.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert!(text.lines().all(|line| line.len() <= 64));
    // 3,072 bits are 384 bytes, in base64 512 characters.
    let (key, _) = Key::from_pem(text.as_bytes()).unwrap();
    let holdfast_application::ports::PublicParameters::Rsa { n, .. } = &key.public().unwrap().parameters
    else {
        panic!("{key:?}")
    };
    assert_eq!(n.len(), 512);
}
