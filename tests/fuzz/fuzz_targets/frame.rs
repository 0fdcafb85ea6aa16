//! See `headwater_properties::frame`.
#![no_main]

use headwater_properties::frame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| frame::run(data));
