//! Requests as they leave: the core's template with what it never sees.

use headwater_core::{
    client::{Input, Outcome, Request, StreamNo, Transport, mark},
    planted,
};
use uuid::Uuid;

use super::{Now, Shell};
use crate::{
    Fact,
    disk::{Disk, Found, Value},
    text::{put_number, put_string},
};

/// A request on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// What its end is told with.
    pub request: u32,
    /// How it leaves. Nobody hears the answer to a beacon.
    pub transport: Transport,
    /// The stream that it carries.
    pub stream: Uuid,
    /// The events that it carries, ascending.
    pub seqs: Vec<u32>,
    /// Its body.
    pub text: Vec<u8>,
}

impl Shell {
    pub(super) fn send(&mut self, disk: &Disk, now: Now, request: u32, no: StreamNo, transport: Transport) {
        let Some(made) = self.client.request(request) else { return };
        let Some(bodies) = self.bodies(disk, no, &made.seqs) else {
            let outcome = Outcome::NoAnswer;
            self.inputs.push_back(Input::Answered { request, outcome });
            return;
        };
        let text = self.splice(&made, now, &bodies);
        let stream = self.stream(no).id;
        self.sends.push(Sent { request, transport, stream, seqs: made.seqs, text });
    }

    /// The bodies of these events. If the disk no longer holds some, the core is told, and there are none.
    fn bodies(&mut self, disk: &Disk, no: StreamNo, seqs: &[u32]) -> Option<Vec<Value>> {
        let stream = &self.streams[no.0 as usize];
        let mut bodies = Vec::with_capacity(seqs.len());
        let mut gone = false;
        for &seq in seqs {
            let read = || Found::body_in(disk.kind(), disk.get(stream.key_of(seq)?)?, seq);
            if let Some(body) = stream.body(seq).cloned().or_else(read) {
                bodies.push(body);
            } else {
                gone = true;
                self.facts.push(Fact::Gone { stream: stream.id, from: seq, to: seq + 1 });
                self.inputs.push_back(Input::Gone { stream: no, from: seq, to: seq + 1 });
            }
        }
        (!gone).then_some(bodies)
    }

    fn splice(&mut self, made: &Request, now: Now, bodies: &[Value]) -> Vec<u8> {
        let id = self.stream(made.stream).id;
        let header = if planted!(HeaderFromCurrentIdentity) && self.identity.is_some() {
            self.header_of(id, true)
        } else {
            self.stream(made.stream).header.clone()
        };
        let more: usize = bodies.iter().map(|body| body.len()).sum();
        let mut text = Vec::with_capacity(made.template.len() + header.len() + more + 64);
        let mut bodies = bodies.iter();
        for &byte in &made.template {
            match byte {
                mark::HEADER => text.extend_from_slice(&header),
                mark::BODY => text.extend_from_slice(bodies.next().expect("a body per mark")),
                mark::SITE => put_string(&mut text, &self.setup.site),
                mark::SENT_AT => put_number(&mut text, now.unix.0),
                mark::STREAM => {
                    put_string(&mut text, id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
                }
                byte => text.push(byte),
            }
        }
        text
    }
}
