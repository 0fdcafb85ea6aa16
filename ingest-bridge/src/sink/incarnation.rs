//! The name that a storage of files gets when it is made.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use uuid::Uuid;

/// Reads the name in the file at `path`, or draws one and makes it durable.
pub(super) fn of(path: &Path) -> io::Result<u128> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let id: Uuid = text.trim().parse().map_err(io::Error::other)?;
            Ok(id.as_u128())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => draw(path),
        Err(error) => Err(error),
    }
}

fn draw(path: &Path) -> io::Result<u128> {
    let id = Uuid::new_v4();
    let unfinished = path.with_extension("new");
    let mut file = File::create(&unfinished)?;
    writeln!(file, "{id}")?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    #[cfg(unix)]
    File::open(path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")))?
        .sync_all()?;
    Ok(id.as_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_drawn_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("incarnation");
        let first = of(&path).unwrap();
        assert_eq!(of(&path).unwrap(), first);
        fs::remove_file(&path).unwrap();
        assert_ne!(of(&path).unwrap(), first);
    }
}
