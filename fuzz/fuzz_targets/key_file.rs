//! A file that claims to hold a key.
#![no_main]

libfuzzer_sys::fuzz_target!(|raw: &[u8]| {
    holdfast_infrastructure::tokens::fuzzing::key_file(raw);
});
