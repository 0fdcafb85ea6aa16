//! What is wrong with a configuration, and where.

use std::fmt;

pub(crate) use headwater_service::settings::line_of;

/// Names line and field, and never shows a value: it may be a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    line: Option<usize>,
    message: String,
}

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { line: None, message: message.into() }
    }

    pub(crate) fn at(line: usize, message: impl Into<String>) -> Self {
        Self { line: Some(line), message: message.into() }
    }

    /// What the parser found.
    pub(crate) fn of(text: &str, error: &toml::de::Error) -> Self {
        let Some(span) = error.span() else { return Self::new(error.message()) };
        let line = line_of(text, span.start);
        let field = text.lines().nth(line - 1).and_then(|line| line.split_once('='));
        let field = field.map(|(field, _)| format!("{}: ", field.trim())).unwrap_or_default();
        Self::at(line, format!("{field}{}", error.message()))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}
