//! The query string of a list of tasks.
#![no_main]

libfuzzer_sys::fuzz_target!(|raw: &[u8]| {
    holdfast_web::fuzzing::query(raw);
});
