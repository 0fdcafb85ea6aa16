//! Requests that are under way.

use alloc::vec::Vec;

use super::{StreamNo, Transport};

/// A request. Which events it carries is written beside each
/// ([`Event::request`](super::stream::Event::request)).
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    /// Never 0, nor `u32::MAX`.
    pub(super) request: u32,
    pub(super) stream: StreamNo,
    pub(super) transport: Transport,
    /// How many events it carries.
    pub(super) sent: u32,
    /// The seq after its last event.
    pub(super) events_end: u32,
    /// Up to where it tells the news of the stream's [`Ledger`](super::ledger::Ledger).
    pub(super) news: u32,
    /// Whether it says that its stream has ended.
    pub(super) end: bool,
    /// Estimated size.
    pub(super) bytes: u32,
    /// [`Retry::round`](super::retry::Retry::round) when it left.
    pub(super) round: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Flights {
    flights: Vec<Flight>,
    begun: u32,
}

impl Flights {
    pub(super) const NEW: Self = Self { flights: Vec::new(), begun: 0 };

    /// A number for the next request.
    pub(super) fn number(&mut self) -> u32 {
        self.begun = if self.begun < u32::MAX - 1 { self.begun + 1 } else { 1 };
        self.begun
    }

    pub(super) fn begin(&mut self, flight: Flight) {
        self.flights.push(flight);
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
        leaving.fold(0, |sum, f| sum.saturating_add(f.bytes))
    }
}
