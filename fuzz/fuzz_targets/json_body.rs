//! A JSON body of either surface.
#![no_main]

libfuzzer_sys::fuzz_target!(|raw: &[u8]| {
    holdfast_web::fuzzing::json_body(raw);
});
