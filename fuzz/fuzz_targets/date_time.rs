//! A date-time of either surface.
#![no_main]

libfuzzer_sys::fuzz_target!(|raw: &[u8]| {
    holdfast_web::fuzzing::date_time(raw);
    holdfast_web::fuzzing::frozen::date_time(raw);
});
