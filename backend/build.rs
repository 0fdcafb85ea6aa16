//! Tells the linker where DuckDB's library will be at run time: a build script can do this only for its
//! own package's binaries and tests.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=dashboard");
    let library = match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("macos") => "libduckdb.dylib",
        Ok("windows") => "duckdb.dll",
        _ => "libduckdb.so",
    };
    let dir = env::var("DUCKDB_LIB_DIR").unwrap_or_default();
    let library = Path::new(&dir).join(library);
    let Ok(found) = fs::canonicalize(&library) else {
        println!(
            "cargo::error={} is not there: run `cargo xtask setup`, which fetches DuckDB's library",
            library.display()
        );
        return;
    };
    println!("cargo::rerun-if-changed={}", library.display());
    // As shipped: bin/headwater and lib/libduckdb.so.
    println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib");
    if let Some(dir) = found.parent() {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{}", dir.display());
    }
}
