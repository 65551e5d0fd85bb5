//! A header that is taken apart.
#![no_main]

libfuzzer_sys::fuzz_target!(|raw: &[u8]| {
    holdfast_web::fuzzing::headers(raw);
});
