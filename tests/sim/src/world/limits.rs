//! What a page may hold and say, judged when it does.

use headwater_core::client::Transport;
use headwater_test_shell::Sent;

use super::{World, device::Flight};
use crate::{breach::Kind, names, schedule::Page};

impl World<'_> {
    /// A request is about to leave.
    pub(super) fn judge_request(&mut self, page: Page, sent: &Sent) {
        let limit = self.shell_setup.limits.in_flight as usize;
        let Some(live) = self.page_mut(page) else { return };
        let stream = sent.stream.as_u128();
        let is_beacon = sent.transport == Transport::Beacon;
        let flying = live.outstanding.len() + usize::from(!is_beacon);
        // Last words carry what was on its way by ordinary requests, which end with the page.
        let is_open = |flight: &&Flight| flight.stream == stream && (!is_beacon || flight.outlives);
        let other = live.outstanding.iter().find(is_open).map(|flight| flight.request);
        let purpose = live.lanes.iter().find(|(of, ..)| *of == stream).map(|(_, purpose, _)| *purpose);
        let is_denied = purpose.is_some_and(|purpose| live.denied.get(purpose) == Some(&true));
        let is_purged = is_denied && (sent.seqs.is_empty() || !live.is_deciding);
        if flying > limit {
            self.oracle.breach(Kind::Limits, || format!("{page} has {flying} requests in flight"));
        }
        let label = self.oracle.label(stream);
        if let Some(request) = other.filter(|_| names::says_end(&sent.text)) {
            self.oracle.breach(Kind::Ledger, || {
                format!(
                    "{page} says that it holds nothing more of {label}, and request {request} is not answered"
                )
            });
        }
        if is_purged && names::says_who(&sent.text) {
            self.oracle.breach(Kind::Ledger, || {
                format!("{page} tells of {label} who it is about, which was denied")
            });
        }
    }

    /// A call was made: what the page holds is within its limits, but for the newest event and for what cannot be named
    /// while the storage is full.
    pub(super) fn judge_queue(&mut self, page: Page) {
        let limits = self.shell_setup.limits;
        let is_excused = self.devices[usize::from(page.device)].excuses.failed;
        let Some(live) = self.page_mut(page).filter(|_| !is_excused) else { return };
        let (events, bytes) = live.held();
        let newest = live.newest();
        if events > limits.queue_events as usize && events > 1 {
            self.oracle
                .breach(Kind::Limits, || format!("{page} holds {events} events of {}", limits.queue_events));
        }
        if bytes > (limits.queue_bytes as usize).max(newest) {
            self.oracle
                .breach(Kind::Limits, || format!("{page} holds {bytes} bytes of {}", limits.queue_bytes));
        }
    }

    /// The queue was full. A purchase outlives page views, but for the newest.
    pub(super) fn judge_eviction(&mut self, page: Page) {
        let Some(live) = self.page_mut(page).filter(|live| !live.shell.is_dead()) else { return };
        let others = if std::mem::take(&mut live.gave_up_precious) { live.ordinary() } else { 0 };
        if others > 1 {
            self.oracle.breach(Kind::Limits, || {
                format!("{page} gives up what outlives others, and holds {others} other events")
            });
        }
    }
}
