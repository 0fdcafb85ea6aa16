//! The least that work of this kind can cost here and now: what times are compared with, as a shared machine is never
//! the same twice.

use std::hint::black_box;

use crate::page;
use headwater_bench_core::meter::Meter;

pub(crate) const PUSH: &str = "foot: a bare Vec push and pop";
pub(crate) const COPY: &str = "foot: a copy of a request's bytes, per event of 50";

const PUSHES: usize = 100_000;
const COPIES: usize = 2_000;

pub(crate) fn round<M: Meter>(meter: &mut M) {
    let mut list = Vec::with_capacity(8);
    meter.span(PUSH, PUSHES, || {
        for n in 0..PUSHES {
            list.push(black_box(n));
            black_box(list.pop());
        }
    });
    let template = page::template();
    let mut copy = vec![0; template.len()];
    meter.span(COPY, COPIES * page::BATCH, || {
        for _ in 0..COPIES {
            copy.copy_from_slice(black_box(&template));
            black_box(&copy);
        }
    });
}
