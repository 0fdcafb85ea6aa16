//! What the programs that contain a collector are told alike, by flags.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::Args;
use headwater_service::server::Bounds;
use ipnet::IpNet;

use crate::{Endpoints, ForwardedHeader, PathName, Paths, Places, Prefix, Proxies, Rates, Sdk};

/// Where and for whom a collector is there. Each has a variable, too: `HEADWATER_COLLECTOR_…`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Collector")]
pub struct Settings {
    /// Path before those of the collector, such as /abc
    #[arg(long, default_value = "", env = "HEADWATER_COLLECTOR_PREFIX")]
    pub prefix: Prefix,
    /// Path to which events are posted
    #[arg(long, default_value = "/collect", env = "HEADWATER_COLLECTOR_COLLECT_PATH")]
    pub collect_path: PathName,
    /// Path of the pixel
    #[arg(long, default_value = "/pixel.gif", env = "HEADWATER_COLLECTOR_PIXEL_PATH")]
    pub pixel_path: PathName,
    /// Folder of the built browser SDK (sdk-web/dist), to be served as /sdk.js and /sdk-<hash>.js
    #[arg(long, value_name = "DIR", env = "HEADWATER_COLLECTOR_SDK_DIR")]
    pub sdk_dir: Option<PathBuf>,
    /// Address and port for /metrics, /healthz and /readyz
    #[arg(long, value_name = "ADDRESS", env = "HEADWATER_COLLECTOR_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
    /// Network of proxies that say for whom they speak, 10.0.0.0/8; can be repeated. Nobody else is believed
    #[arg(long, value_name = "CIDR", env = "HEADWATER_COLLECTOR_TRUSTED_PROXY", value_delimiter = ',')]
    pub trusted_proxy: Vec<IpNet>,
    /// The header in which they say it
    #[arg(long, value_enum, default_value = "x-forwarded-for", env = "HEADWATER_COLLECTOR_FORWARDED_HEADER")]
    pub forwarded_header: ForwardedHeader,
    /// File of MaxMind's format with places of addresses; read again when it is replaced
    #[arg(long, value_name = "FILE", env = "HEADWATER_COLLECTOR_GEO_DB")]
    pub geo_db: Option<PathBuf>,
    /// Requests a second of an address, ten times as many at once; 0 for any [default: 100, with --open any]
    #[arg(long, value_name = "RATE", env = "HEADWATER_COLLECTOR_REQUESTS_PER_IP")]
    pub requests_per_ip: Option<u32>,
    /// Requests a second with the same secret key, ten times as many at once; 0 for any
    #[arg(long, value_name = "RATE", default_value_t = 0, env = "HEADWATER_COLLECTOR_REQUESTS_PER_KEY")]
    pub requests_per_key: u32,
    /// New streams a second of an address, a hundred times as many at once; 0 for any [default: 50, with --open any]
    #[arg(long, value_name = "RATE", env = "HEADWATER_COLLECTOR_STREAMS_PER_IP")]
    pub streams_per_ip: Option<u32>,
    /// Seqs a second that requests of an address speak of, a hundred times as many at once; 0 for any [default: 10000,
    /// with --open any]
    #[arg(long, value_name = "RATE", env = "HEADWATER_COLLECTOR_SEQS_PER_IP")]
    pub seqs_per_ip: Option<u32>,
    /// Connections at once; more wait
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, env = "HEADWATER_COLLECTOR_CONNECTIONS", value_parser = at_least_one)]
    pub connections: usize,
    /// Milliseconds for the head of a request, and for an idle connection
    #[arg(long, value_name = "MS", default_value_t = 30_000, env = "HEADWATER_COLLECTOR_HEAD_MS")]
    pub head_ms: u64,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one".to_owned()),
        Ok(count) => Ok(count),
        Err(error) => Err(format!("{error}")),
    }
}

impl Settings {
    /// The paths, and the SDK read from its folder.
    pub fn endpoints(&self) -> anyhow::Result<Endpoints> {
        let paths = Paths {
            prefix: self.prefix.clone(),
            collect: self.collect_path.clone(),
            pixel: self.pixel_path.clone(),
        };
        anyhow::ensure!(paths.collect != paths.pixel, "--collect-path and --pixel-path are the same");
        let sdk = self.sdk_dir.as_deref().map(Sdk::read).transpose().context("--sdk-dir")?;
        Ok(Endpoints { paths, sdk })
    }

    /// Which proxies are believed.
    #[must_use]
    pub fn proxies(&self) -> Proxies {
        Proxies { trusted: self.trusted_proxy.clone(), header: self.forwarded_header }
    }

    /// Where senders are. Called within a runtime: the file is watched.
    pub fn places(&self) -> anyhow::Result<Option<Arc<Places>>> {
        self.geo_db.as_deref().map(Places::load).transpose().context("--geo-db")
    }

    /// What one sender may send: to an open collector, which only its own machine reaches, anything.
    #[must_use]
    pub fn rates(&self, is_open: bool) -> Rates {
        let default = if is_open { Rates::default() } else { Rates::PUBLIC };
        Rates {
            requests_per_ip: self.requests_per_ip.unwrap_or(default.requests_per_ip),
            requests_per_key: self.requests_per_key,
            streams_per_ip: self.streams_per_ip.unwrap_or(default.streams_per_ip),
            seqs_per_ip: self.seqs_per_ip.unwrap_or(default.seqs_per_ip),
        }
    }

    /// What connections may cost.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        Bounds { connections: self.connections, head: Duration::from_millis(self.head_ms) }
    }
}
