//! Reading a page of metrics in the text of Prometheus.

use std::collections::{BTreeMap, BTreeSet};

use super::journey::client;

/// A page of metrics.
pub(crate) struct Page {
    pub(crate) text: String,
    /// Type by family.
    pub(crate) families: BTreeMap<String, String>,
    /// Value by name and labels, as they are written.
    pub(crate) series: BTreeMap<String, f64>,
}

impl Page {
    pub(crate) async fn of(base: &str) -> Self {
        let answer = client().get(format!("{base}/metrics")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        Self::read(answer.text().await.unwrap())
    }

    fn read(text: String) -> Self {
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        let families = types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let series = samples.map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}")))
        });
        let series = series.collect();
        Self { text, families, series }
    }

    /// The sum of every series of that name with all of these labels.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted = |series: &str| {
            let (of, labelled) = series.split_once('{').unwrap_or((series, ""));
            of == name
                && labels.iter().all(|(label, value)| labelled.contains(&format!("{label}=\"{value}\"")))
        };
        self.series.iter().filter(|(series, _)| wanted(series)).map(|(_, value)| value).sum()
    }

    /// The labels of each family, without those that histograms have by themselves.
    pub(crate) fn labels(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut labels: BTreeMap<&str, BTreeSet<&str>> =
            self.families.keys().map(|family| (family.as_str(), BTreeSet::new())).collect();
        for series in self.series.keys() {
            let (name, labelled) = series.split_once('{').unwrap_or((series, ""));
            let family = self.family(name);
            let names =
                labelled.split("\",").filter_map(|label| label.split_once("=\"")).map(|(name, _)| name);
            labels.get_mut(family).unwrap().extend(names.filter(|name| *name != "le"));
        }
        labels
    }

    /// The family that a sample belongs to.
    fn family<'n>(&self, sample: &'n str) -> &'n str {
        if self.families.contains_key(sample) {
            return sample;
        }
        let ends = ["_bucket", "_sum", "_count"];
        ends.iter()
            .find_map(|end| sample.strip_suffix(end))
            .unwrap_or_else(|| panic!("{sample} has no family"))
    }

    /// Every name that a query may use.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.series.keys().map(|series| series.split('{').next().unwrap_or(series)).collect()
    }
}
