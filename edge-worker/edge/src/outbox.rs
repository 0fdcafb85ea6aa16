//! What was acknowledged and waits for the bridge: lines of one request, as they are kept.

use headwater_collector::{
    Unavailable,
    bridge::{self, Forwarded},
};

/// What became of kept lines.
#[derive(Debug, Eq, PartialEq)]
pub enum Sent {
    /// The bridge has them: forget them.
    Settled,
    /// The bridge will never take some: keep these instead, which name them.
    Named(Vec<u8>),
}

/// Hands kept `lines` to the bridge by `post`. With an error nothing is known: keep them, and try again.
pub async fn send<F>(lines: Vec<u8>, post: impl FnOnce(Vec<u8>, usize) -> F) -> Result<Sent, Unavailable>
where
    F: Future<Output = Result<Forwarded, Unavailable>>,
{
    let records: Vec<_> =
        lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect();
    let answer = post(lines, records.len()).await?;
    if answer.rejected.is_empty() {
        return Ok(Sent::Settled);
    }
    let rejected = answer.rejected.iter().filter_map(|(at, _)| records.get(*at));
    Ok(Sent::Named(bridge::lines(&bridge::names(rejected.map(Vec::as_slice))?)))
}

#[cfg(test)]
mod tests {
    use headwater_schema::Record;

    use super::*;

    fn line(name: &str) -> String {
        format!(
            r#"{{"event_id":"e","site_id":"s","client_id":"c","event_type":"{name}","timestamp":1,"ts":1,"sent_at":1,"received_at":1,"schema_version":1}}"#
        ) + "\n"
    }

    fn sent(lines: &str, answer: Result<Forwarded, Unavailable>) -> Result<Sent, Unavailable> {
        pollster::block_on(send(lines.into(), |body, count| {
            assert_eq!((body.len(), count), (lines.len(), lines.lines().count()));
            std::future::ready(answer)
        }))
    }

    #[test]
    fn what_the_bridge_never_takes_is_named_and_kept_in_its_place() {
        let lines = line("a") + &line("b");
        assert_eq!(sent(&lines, Ok(Forwarded::all(1))), Ok(Sent::Settled));
        let rejected = vec![(1, "odd".to_owned())];
        let Ok(Sent::Named(names)) = sent(&lines, Ok(Forwarded { incarnation: None, rejected })) else {
            panic!("named")
        };
        let Ok(Record::Ledger(ledger)) = Record::from_slice(&names) else { panic!("a ledger record") };
        assert_eq!((ledger.site_id.as_str(), ledger.unnamed["rejected"]), ("s", 1));
    }

    #[test]
    fn an_answer_that_is_not_known_leaves_everything_kept() {
        let away = crate::unavailable("away");
        assert_eq!(sent(&line("a"), Err(away.clone())), Err(away));
    }

    #[test]
    fn the_name_of_a_loss_is_never_given_up() {
        let lines = r#"{"event_type":"$ledger","site_id":"s","by":"collector","received_at":1,"sent_at":1}"#;
        let rejected = vec![(0, "odd".to_owned())];
        assert!(sent(&format!("{lines}\n"), Ok(Forwarded { incarnation: None, rejected })).is_err());
    }
}
