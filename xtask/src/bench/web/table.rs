//! Figures as rows, what was measured as columns.

use serde_json::{Map, Value};

use crate::bench::shown;

/// Its name, its unit, its value.
pub(super) type Figure = (&'static str, &'static str, f64);

#[derive(Default)]
pub(super) struct Table {
    columns: Vec<(String, Vec<Figure>)>,
}

impl Table {
    pub(super) fn add(&mut self, column: &str, figures: Vec<Figure>) {
        self.columns.push((column.to_owned(), figures));
    }

    /// Rows in the order of the column that has most of them, then what only others have.
    fn rows(&self) -> Vec<(&'static str, &'static str)> {
        let mut columns: Vec<_> = self.columns.iter().map(|(_, figures)| figures).collect();
        columns.sort_by_key(|figures| std::cmp::Reverse(figures.len()));
        let mut rows = Vec::new();
        for (name, unit, _) in columns.into_iter().flatten() {
            if !rows.contains(&(*name, *unit)) {
                rows.push((*name, *unit));
            }
        }
        rows
    }

    fn lines(&self) -> Vec<String> {
        let rows = self.rows();
        let first = rows.iter().map(|(name, unit)| labelled(name, unit).chars().count()).max().unwrap_or(0);
        let mut lines = vec![format!("{:<first$}", "measured")];
        lines.extend(rows.iter().map(|(name, unit)| format!("{:<first$}", labelled(name, unit))));
        for (column, figures) in &self.columns {
            let head = short(column);
            let width = head.chars().count().max(9);
            lines[0].extend(["  ", &format!("{head:>width$}")]);
            for (line, (name, unit)) in lines[1..].iter_mut().zip(&rows) {
                let value = find(figures, name, unit).map_or_else(String::new, |value| shown(&value.into()));
                line.extend(["  ", &format!("{value:>width$}")]);
            }
        }
        lines
    }

    pub(super) fn print(&self) {
        println!();
        for line in self.lines() {
            println!("{}", line.trim_end());
        }
    }

    /// By column, then by name and unit.
    pub(super) fn json(&self) -> Value {
        let object = |figures: &[Figure]| -> Value {
            let pairs = figures.iter().map(|(name, unit, value)| (labelled(name, unit), Value::from(*value)));
            pairs.collect::<Map<_, _>>().into()
        };
        self.columns
            .iter()
            .map(|(column, figures)| (column.clone(), object(figures)))
            .collect::<Map<_, _>>()
            .into()
    }
}

fn labelled(name: &str, unit: &str) -> String {
    if unit.is_empty() { name.to_owned() } else { format!("{name} [{unit}]") }
}

/// The scope of a package says enough.
fn short(name: &str) -> &str {
    name.strip_prefix('@').map_or(name, |rest| rest.split('/').next().unwrap_or(rest))
}

fn find(figures: &[Figure], name: &str, unit: &str) -> Option<f64> {
    figures.iter().find(|figure| figure.0 == name && figure.1 == unit).map(|figure| figure.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_a_column_lacks_leaves_its_place_empty() {
        let mut table = Table::default();
        table.add("empty page", vec![("heap", "B", 7.0)]);
        table.add("@some/sdk", vec![("call", "µs", 2.5), ("heap", "B", 9.0)]);
        assert_eq!(
            table.lines(),
            [
                "measured   empty page       some",
                "call [µs]                  2.500",
                "heap [B]            7          9"
            ]
        );
        assert_eq!(table.json()["@some/sdk"]["call [µs]"], 2.5);
    }
}
