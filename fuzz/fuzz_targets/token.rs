//! Bytes that claim to be a token.
#![no_main]

libfuzzer_sys::fuzz_target!(|raw: &[u8]| {
    holdfast_infrastructure::tokens::fuzzing::token(raw);
});
