//! See `headwater_properties::seen`.
#![no_main]

use headwater_properties::seen;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| seen::run(data));
