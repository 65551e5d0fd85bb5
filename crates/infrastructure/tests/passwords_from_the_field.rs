//! Hashes that the FastAPI backend left behind: vectors made by passlib 1.7.4 with bcrypt 4.0.1 and by hashlib, the
//! published ones of OpenBSD's and Openwall's implementations, and broken ones.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]
#![expect(clippy::disallowed_methods, reason = "these tests measure durations")]

use std::time::{Duration, Instant};

use holdfast_application::{
    domain::users::{Password, PasswordHash},
    ports::{Passwords as _, Verification},
};
use holdfast_infrastructure::passwords::{Argon2Passwords, PasswordOptions, Peppers};

const RIGHT: &str = "correct horse battery staple";
const USUAL: &str = "$2b$12$WT79nghbeM2Pidih34ZXtOA77kVHl2gopPbEd2YPWmduODEt3wTG2";
const CHEAP: &str = "$2b$04$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m";
const SALTED: &str =
    "9f86d081884c7d659a2feaa0c55ad015:f5b9637ba0e79ffc25df7216dacad2fe6c667cb6cdab6d403ab32ffecfff16cf";

fn hasher() -> Argon2Passwords {
    Argon2Passwords::new(PasswordOptions { concurrency: 1, peppers: Peppers::default() }).unwrap()
}

async fn verify(hasher: &Argon2Passwords, password: &str, hash: &str) -> Verification {
    let hash = PasswordHash::new(hash.to_owned());
    hasher.verify(&Password::new(password.to_owned()), Some(&hash)).await.unwrap()
}

/// 71 bytes, then a character of two of which bcrypt sees the first byte alone.
fn cut_in_a_character() -> String {
    format!("{}é and more", "a".repeat(71))
}

#[tokio::test]
async fn the_right_password_matches_and_is_to_be_hashed_anew() {
    let vectors = [
        (RIGHT, USUAL),
        (RIGHT, CHEAP),
        (RIGHT, "$2b$05$rvgElv6AMZPTtOn77H7ihu2fWpcvoqomV9xFjEJizUExfiCjwV9SK"),
        (RIGHT, "$2a$04$5VnFbz/gKlpntw60pFYvB.TicAVI/NXwBAmXtCm6OA43.fQrMjrvG"),
        (RIGHT, "$2y$04$DPY2l.Ky28/ItqGSok06JeF1sFrrWTbtBwGrzZ4Afp3i76i4Qv1Va"),
        ("", "$2b$04$AkhA9M8WUTO/NSQ8KoCVfeC8xcN0LvgMqLMWsjHYs/72v66PMYWwe"),
        ("pässwörd 𝄞", "$2b$04$0f5QL2lhuGYcO/CQ2hGz7u/ybKKRN5iwpm1ej96FXONpPmjj5fKyS"),
        // Published with jBCrypt and with crypt_blowfish.
        ("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."),
        ("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
        ("abcdefghijklmnopqrstuvwxyz", "$2a$08$aTsUwsyowQuzRrDqFflhgekJ8d9/7Z3GV3UcgvzQW3J5zMyrTvlz."),
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
        (RIGHT, SALTED),
        (
            "pässwörd 𝄞",
            "9f86d081884c7d659a2feaa0c55ad015:c7f3bc2e7303077379e669bc90d7a691345642a12bdef59e618a9f9440404b98",
        ),
        (
            "",
            "9f86d081884c7d659a2feaa0c55ad015:67212462231402852f818d095bb0c2bf1f422ede8b9025878ff2a89fc383f6ef",
        ),
    ];
    let hasher = hasher();
    for (password, hash) in vectors {
        assert_eq!(verify(&hasher, password, hash).await, Verification::MatchOutdated, "{password:?} {hash}");
        for wrong in [format!("{password}!"), format!("{password} "), format!("x{password}")] {
            assert_eq!(verify(&hasher, &wrong, hash).await, Verification::Mismatch, "{wrong:?} {hash}");
        }
    }
}

#[tokio::test]
async fn bcrypt_sees_the_first_72_bytes_alone() {
    let hasher = hasher();
    let cut = "$2b$04$6W1SdEcpupTz6iDe/5dSveSVM6DcWgeA5YkDACZ1p4M8u2EVJMVMy";
    let exactly = "$2b$04$egHggEQ0e1rD3R4JF5cWEOUXxKzXL/XDyQ4EJ.BwcPscI/YaC6NG6";
    let longer = "$2b$04$graMQFNlWTMMtMPFw6BPyOeuzZ3l18M/Sy8BmnPaupAY7bFlXpfo.";
    let (stem, x) = ("a".repeat(71), |count: usize| "x".repeat(count));
    let cases = [
        (cut_in_a_character(), cut, true),
        // The same first byte of another character.
        (format!("{stem}à"), cut, true),
        (format!("{stem}ж"), cut, false),
        (stem, cut, false),
        (x(72), exactly, true),
        (x(73), exactly, true),
        (x(71), exactly, false),
        (x(200), longer, true),
        (x(72), longer, true),
        (x(100_000), longer, true),
        (x(71), longer, false),
    ];
    for (password, hash, fits) in cases {
        let expected = if fits { Verification::MatchOutdated } else { Verification::Mismatch };
        assert_eq!(verify(&hasher, &password, hash).await, expected, "{} bytes", password.len());
    }
}

#[tokio::test]
async fn a_password_with_a_nul_fits_no_bcrypt_hash() {
    let hasher = hasher();
    let empty = "$2b$04$AkhA9M8WUTO/NSQ8KoCVfeC8xcN0LvgMqLMWsjHYs/72v66PMYWwe";
    for (password, hash) in [
        ("\0".to_owned(), empty),
        (format!("{RIGHT}\0"), CHEAP),
        (format!("{RIGHT}\0{RIGHT}"), CHEAP),
        (format!("{}\0", "x".repeat(80)), "$2b$04$egHggEQ0e1rD3R4JF5cWEOUXxKzXL/XDyQ4EJ.BwcPscI/YaC6NG6"),
    ] {
        assert_eq!(verify(&hasher, &password, hash).await, Verification::Mismatch, "{password:?}");
    }
}

#[tokio::test]
async fn stray_bits_in_the_salt_are_passed_over() {
    // The 22nd character carries two bits of the salt and four of nothing, of which `.` sets none and `/` one.
    let padded = "$2a$05$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    assert_eq!(verify(&hasher(), "U*U", padded).await, Verification::MatchOutdated);
}

#[tokio::test]
async fn the_digits_of_a_salted_digest_are_read_in_either_case() {
    let (salt, digest) = SALTED.split_once(':').unwrap();
    let upper = format!("{salt}:{}", digest.to_uppercase());
    assert_eq!(verify(&hasher(), RIGHT, &upper).await, Verification::MatchOutdated);
}

/// What nobody can sign in with, although it looks like a hash of the field.
fn broken() -> Vec<String> {
    let (salt, digest) = SALTED.split_once(':').unwrap();
    let mut broken: Vec<String> = [
        // Of a cost that nobody chose: it would take four seconds, or most of a day.
        "$2b$16$WT79nghbeM2Pidih34ZXtOA77kVHl2gopPbEd2YPWmduODEt3wTG2",
        "$2b$31$WT79nghbeM2Pidih34ZXtOA77kVHl2gopPbEd2YPWmduODEt3wTG2",
        "$2b$99$WT79nghbeM2Pidih34ZXtOA77kVHl2gopPbEd2YPWmduODEt3wTG2",
        "$2b$03$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m",
        "$2b$00$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m",
        "$2b$4$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m",
        "$2b$+4$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m",
        "$2b$ 4$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m",
        "$2b$xx$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m",
        // Of a version that never was.
        "$2x$04$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m",
        "$2c$04$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m",
        "$2$04$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m",
        "x$2b$04$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m",
        " $2b$04$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m",
        // Cut, too long, in another alphabet, in the middle of a character.
        "$2b$04$",
        "$2b$04",
        "$2b$",
        "$2b$04$eG86VsbcJ6HpVNBU2.PoRO",
        "$2b$04$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4",
        "$2b$04$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m.",
        "$2b$04$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m\n",
        "$2b$04$eG86VsbcJ6HpVNBU2+PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m",
        "$2b$04$eG86VsbcJ6HpVNBU2.éé9oQrqp7AOAtraCAjyvRYinepswN4m1234",
        "$2b$04$éG86VsbcJ6HpVNBU2.PoéQS9oQrqp7AOAtraCAjyvRYinepswN4m",
        ":",
        "a:",
    ]
    .map(str::to_owned)
    .into();
    broken.extend([
        format!(":{digest}"),
        format!("{salt}{digest}"),
        format!("{salt}:{}", &digest[1..]),
        format!("{salt}:{digest}0"),
        format!("{salt}:{digest}00"),
        format!("{salt}:{digest} "),
        format!("{salt}:{}", digest.replace('f', "g")),
        format!("{salt}:{}", digest.replacen("f5", "é", 1)),
        format!("{digest}:{salt}"),
        format!("{}:{digest}", "0".repeat(100_000)),
    ]);
    broken
}

#[tokio::test]
async fn what_is_no_hash_of_the_field_never_matches_and_costs_one_verification() {
    let hasher = hasher();
    let honest = fastest(&hasher, RIGHT, None).await;
    for text in broken() {
        let took = fastest(&hasher, RIGHT, Some(&text)).await;
        assert!(took * 8 > honest && honest * 8 > took, "{text:.70?}: {took:?}, else {honest:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_for_a_salted_digest_costs_as_much_as_an_unknown_account() {
    let hasher = hasher();
    let honest = fastest(&hasher, "wrong", None).await;
    let took = fastest(&hasher, "wrong", Some(SALTED)).await;
    assert!(took * 8 > honest && honest * 8 > took, "{took:?}, else {honest:?}");
}

/// The quickest of a few refusals: noise only ever adds.
async fn fastest(hasher: &Argon2Passwords, password: &str, hash: Option<&str>) -> Duration {
    let hash = hash.map(|hash| PasswordHash::new(hash.to_owned()));
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let began = Instant::now();
        let refused = hasher.verify(&Password::new(password.to_owned()), hash.as_ref()).await.unwrap();
        assert_eq!(refused, Verification::Mismatch, "{hash:?}");
        fastest = fastest.min(began.elapsed());
    }
    fastest
}
