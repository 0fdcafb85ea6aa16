//! The browser shell's wasm half: [`headwater_core`] behind five functions of numbers.
//!
//! No text crosses this border but a request's template, so there is no glue to generate: `abi` maps numbers to
//! the core's inputs and effects, `exports` (compiled for wasm only) holds the one client and the exported
//! functions. The other side is `sdk-web/ts/wasm.ts`.
#![cfg_attr(target_arch = "wasm32", no_std)]

pub mod abi;

#[cfg(target_arch = "wasm32")]
mod exports;
