//! See `headwater_properties::client`.
#![no_main]

use headwater_properties::client;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| client::run(data));
