//! See `headwater_properties::wire`.
#![no_main]

use headwater_properties::wire;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wire::run(data));
