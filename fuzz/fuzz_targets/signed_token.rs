//! A header and claims, one a line, under a true signature.
#![no_main]

libfuzzer_sys::fuzz_target!(|raw: &[u8]| {
    holdfast_infrastructure::tokens::fuzzing::signed_token(raw);
});
