//! Under which paths a collector is reached. Lists of what to block know the usual ones; a site's own are on none.

use std::{fmt, str::FromStr};

use headwater_collector::paths;

/// The paths, as requests have them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Paths {
    /// Before all of them; empty by default.
    pub prefix: Prefix,
    /// Of `POST`; `/collect` by default.
    pub collect: PathName,
    /// Of the image; `/pixel.gif` by default.
    pub pixel: PathName,
}

impl Default for Paths {
    fn default() -> Self {
        let name = |path: &str| PathName(path.to_owned());
        Self { prefix: Prefix::default(), collect: name(paths::COLLECT), pixel: name(paths::PIXEL) }
    }
}

/// One path, which begins with `/`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PathName(String);

/// A path to put before others, or nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Prefix(String);

/// Why a text is no path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PathError;

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path is `/` and names of letters, digits, `-`, `_` and `.`, with `/` between them")
    }
}

impl std::error::Error for PathError {}

impl FromStr for PathName {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let names = text.strip_prefix('/').ok_or(PathError)?;
        let is_name = |name: &str| {
            !matches!(name, "" | "." | "..")
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if names.split('/').all(is_name) { Ok(Self(text.to_owned())) } else { Err(PathError) }
    }
}

impl FromStr for Prefix {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        match text.trim_end_matches('/') {
            "" => Ok(Self::default()),
            path => path.parse().map(|PathName(path)| Self(path)),
        }
    }
}

impl fmt::Display for PathName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_names_only_and_a_prefix_may_be_none() {
        for text in ["/c", "/a/b-1_2.gif"] {
            assert_eq!(text.parse::<PathName>().map(|path| path.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "/", "c", "//c", "/a/../b", "/{x}", "/a b", "/*", "/a/", "/é"] {
            assert_eq!(text.parse::<PathName>(), Err(PathError), "{text}");
        }
        for (text, prefix) in [("", ""), ("/", ""), ("/abc/", "/abc")] {
            assert_eq!(text.parse::<Prefix>().map(|prefix| prefix.to_string()), Ok(prefix.to_owned()));
        }
        assert_eq!("abc".parse::<Prefix>(), Err(PathError));
    }
}
