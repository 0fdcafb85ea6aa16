//! Senders that keep what is not settled and send it again, as edges' clients do.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{broker::Names, support};

const SENDERS: u32 = 4;
const BATCH: u32 = 20;

pub(crate) struct Load {
    accepted: Arc<Mutex<Names>>,
    is_ended: Arc<AtomicBool>,
    senders: Vec<JoinHandle<()>>,
}

impl Load {
    /// Begins; clients are numbered from `first` on.
    pub(crate) fn start(address: SocketAddr, first: u32) -> Self {
        let (accepted, is_ended) = (Arc::<Mutex<Names>>::default(), Arc::<AtomicBool>::default());
        let sender = |client| {
            let (accepted, is_ended) = (Arc::clone(&accepted), Arc::clone(&is_ended));
            thread::spawn(move || send(address, client, &accepted, &is_ended))
        };
        let senders = (first..first + SENDERS).map(sender).collect();
        Self { accepted, is_ended, senders }
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.lock().unwrap().len()
    }

    /// What was settled until now.
    pub(crate) fn stop(self) -> Names {
        self.is_ended.store(true, Ordering::Relaxed);
        self.senders.into_iter().for_each(|sender| sender.join().unwrap());
        self.accepted.lock().unwrap().clone()
    }
}

fn send(address: SocketAddr, client: u32, accepted: &Mutex<Names>, is_ended: &AtomicBool) {
    let agent = support::agent();
    let mut first = 0;
    while !is_ended.load(Ordering::Relaxed) {
        let seqs = first..first + BATCH;
        let body: Vec<String> = seqs.clone().map(|seq| support::event(client, seq)).collect();
        let answer = support::try_post(&agent, address, &[], body.join("\n").as_bytes());
        match answer {
            Some(answer) if answer.status == 200 => {
                assert_eq!(answer.ack.as_deref(), Some("20"));
                accepted.lock().unwrap().extend(seqs.map(|seq| (client, seq)));
                first += BATCH;
            }
            Some(answer) => {
                assert_eq!(answer.status, 503, "{answer:?}");
                assert!(answer.retry_after.is_some());
                thread::sleep(Duration::from_millis(50));
            }
            None => thread::sleep(Duration::from_millis(50)),
        }
    }
}
