//! What is under way, by the time at which it arrives.

use std::{cmp::Ordering, collections::BinaryHeap};

/// A queue of messages; of those that arrive at once the first sent is first.
#[derive(Debug)]
pub(crate) struct Queue<M> {
    heap: BinaryHeap<Due<M>>,
    sent: u64,
}

#[derive(Debug)]
struct Due<M> {
    at: u64,
    order: u64,
    message: M,
}

impl<M> Queue<M> {
    pub(crate) fn new() -> Self {
        Self { heap: BinaryHeap::with_capacity(32), sent: 0 }
    }

    pub(crate) fn push(&mut self, at: u64, message: M) {
        self.heap.push(Due { at, order: self.sent, message });
        self.sent += 1;
    }

    pub(crate) fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|due| due.at)
    }

    /// The next message, if it is due at `now`.
    pub(crate) fn pop(&mut self, now: u64) -> Option<M> {
        if self.next_at()? > now {
            return None;
        }
        self.heap.pop().map(|due| due.message)
    }
}

impl<M> Ord for Due<M> {
    /// The heap gives the largest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl<M> PartialOrd for Due<M> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<M> PartialEq for Due<M> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<M> Eq for Due<M> {}

#[cfg(test)]
mod tests {
    use super::Queue;

    #[test]
    fn messages_arrive_by_time_and_then_by_order() {
        let mut queue = Queue::new();
        for (at, message) in [(5, 'c'), (3, 'a'), (5, 'd'), (4, 'b')] {
            queue.push(at, message);
        }
        assert_eq!(queue.pop(2), None);
        let order: String = std::iter::from_fn(|| queue.pop(5)).collect();
        assert_eq!((order, queue.next_at()), ("abcd".to_owned(), None));
    }
}
