//! Whose request it is, where proxies stand before this server.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, header};
use clap::ValueEnum;
use ipnet::IpNet;

/// The proxies that are believed, and in which header they say whom they speak for.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// Their networks; none by default.
    pub trusted: Vec<IpNet>,
    /// One header, because a proxy writes one of them and passes the other on as a stranger wrote it.
    pub header: ForwardedHeader,
}

/// Where a proxy writes the address of its peer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum ForwardedHeader {
    /// `Forwarded: for=…` (RFC 7239).
    Forwarded,
    /// `X-Forwarded-For: …, …`.
    #[default]
    XForwardedFor,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl Proxies {
    /// The client's address: that of the peer, and as long as it is a trusted proxy's, the one before it in the header, from
    /// the right. What stands left of the first stranger is the stranger's word.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        for hop in self.hops(headers).into_iter().rev() {
            // A proxy that does not say for whom it speaks is the last one known.
            let Some(hop) = hop else { break };
            client = hop.to_canonical();
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        self.trusted.iter().any(|net| net.contains(&ip))
    }

    /// The hops as they were written, `None` for one that is no address.
    fn hops(&self, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
        let name = match self.header {
            ForwardedHeader::Forwarded => header::FORWARDED,
            ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
        };
        let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default());
        let elements = lines.flat_map(|line| line.split(','));
        match self.header {
            ForwardedHeader::Forwarded => elements.map(forwarded_for).collect(),
            ForwardedHeader::XForwardedFor => elements.map(address).collect(),
        }
    }
}

/// The address in `for=…` of one element.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    address(value.trim().trim_matches('"'))
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    text.parse().ok().or_else(|| text.rsplit_once(':')?.0.parse().ok())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(header: ForwardedHeader, peer: &str, lines: &[&'static str]) -> String {
        let trusted = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in lines {
            let name = match header {
                ForwardedHeader::Forwarded => header::FORWARDED,
                ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
            };
            headers.append(name, HeaderValue::from_static(line));
        }
        Proxies { trusted, header }.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_header_is_walked_from_the_right_as_far_as_the_proxies_are_ours() {
        use ForwardedHeader::XForwardedFor;
        for (peer, lines, expected) in [
            ("203.0.113.9", &["8.8.8.8"][..], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["8.8.8.8"], "8.8.8.8"),
            ("::ffff:10.0.0.1", &["::ffff:8.8.8.8"], "8.8.8.8"),
            ("10.0.0.1", &["1.1.1.1, 8.8.8.8"], "8.8.8.8"),
            ("10.0.0.1", &["1.1.1.1", "8.8.8.8, 10.0.0.2"], "8.8.8.8"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["8.8.8.8, nonsense, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["8.8.8.8:4711"], "8.8.8.8"),
            ("2001:db8::1", &["[2a00::1]:4711"], "2a00::1"),
            ("2001:db8::1", &["2a00::1"], "2a00::1"),
        ] {
            assert_eq!(client(XForwardedFor, peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn forwarded_is_read_as_its_rfc_has_it() {
        use ForwardedHeader::Forwarded;
        for (lines, expected) in [
            (&["for=192.0.2.43, for=198.51.100.17;by=10.0.0.9;proto=https"][..], "198.51.100.17"),
            (&["proto=http;For=\"[2a00:cafe::17]:4711\""], "2a00:cafe::17"),
            (&["for=unknown"], "10.0.0.1"),
            (&["for=_hidden, for=10.0.0.2"], "10.0.0.2"),
            (&["by=10.0.0.2"], "10.0.0.1"),
        ] {
            assert_eq!(client(Forwarded, "10.0.0.1", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn nobody_is_trusted_by_default() {
        let mut headers = HeaderMap::new();
        headers.insert(X_FORWARDED_FOR, HeaderValue::from_static("8.8.8.8"));
        let peer = "127.0.0.1".parse().unwrap();
        assert_eq!(Proxies::default().client(peer, &headers), peer);
    }
}
