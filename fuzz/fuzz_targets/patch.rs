//! A merge patch of either surface.
#![no_main]

libfuzzer_sys::fuzz_target!(|raw: &[u8]| {
    holdfast_web::fuzzing::patch(raw);
    holdfast_web::fuzzing::frozen::patch(raw);
});
