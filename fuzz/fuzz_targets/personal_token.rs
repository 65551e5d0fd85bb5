//! Bytes that claim to be a personal access token.
#![no_main]

libfuzzer_sys::fuzz_target!(|raw: &[u8]| {
    holdfast_infrastructure::tokens::fuzzing::personal_token(raw);
});
