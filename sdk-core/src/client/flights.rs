//! Requests that are under way.

use alloc::vec::Vec;

use super::{StreamNo, Transport, batch::Batch};

#[derive(Debug)]
pub(super) struct Flight {
    pub(super) request: u32,
    pub(super) stream: StreamNo,
    pub(super) transport: Transport,
    pub(super) batch: Batch,
    /// [`Retry::round`](super::retry::Retry::round) when it left.
    pub(super) round: u32,
}

#[derive(Debug, Default)]
pub(super) struct Flights {
    flights: Vec<Flight>,
    begun: u32,
}

impl Flights {
    /// Adds a request and returns its number.
    pub(super) fn begin(&mut self, stream: StreamNo, transport: Transport, batch: Batch, round: u32) -> u32 {
        self.begun = self.begun.wrapping_add(1);
        let request = self.begun;
        self.flights.push(Flight { request, stream, transport, batch, round });
        request
    }

    /// Removes a request that ended; `None` if it ended before.
    pub(super) fn end(&mut self, request: u32) -> Option<Flight> {
        let at = self.flights.iter().position(|f| f.request == request)?;
        Some(self.flights.swap_remove(at))
    }

    pub(super) fn find(&self, request: u32) -> Option<&Flight> {
        self.flights.iter().find(|f| f.request == request)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Flight> {
        self.flights.iter()
    }

    pub(super) fn count(&self) -> usize {
        self.flights.len()
    }

    /// Bytes (estimated) under way that outlive the page.
    pub(super) fn leaving_bytes(&self) -> u32 {
        let leaving = self.flights.iter().filter(|f| f.transport != Transport::Fetch);
        leaving.fold(0, |sum, f| sum.saturating_add(f.batch.bytes))
    }
}
