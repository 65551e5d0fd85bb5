//! The page of metrics: families written one after the other, in `OpenMetrics` or in the older text of Prometheus. Which there
//! are is `figures`' to say.

use std::{fmt, time::Duration};

use holdfast_application::measure::Measured;
use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet, text::encode},
    metrics::MetricType,
    registry::Registry,
};

/// A label's name and value.
pub(super) type Label<'l> = (&'static str, &'l str);

/// Everything that is registered, as text.
pub(super) fn write(registry: &Registry, open: bool) -> Result<String, fmt::Error> {
    let mut text = String::new();
    encode(&mut text, registry)?;
    Ok(if open { text } else { plain(&text) })
}

/// In the older text a counter's family is named like its samples, and nothing marks the end (Prometheus text format 0.0.4).
fn plain(open: &str) -> String {
    let mut told = String::with_capacity(open.len());
    let mut lines = open.lines().peekable();
    while let Some(line) = lines.next() {
        let counter =
            lines.peek().is_some_and(|next| next.starts_with("# TYPE ") && next.ends_with(" counter"));
        match (line.strip_prefix("# HELP "), line.strip_prefix("# TYPE ")) {
            (Some(help), _) if counter => {
                let (name, help) = help.split_once(' ').unwrap_or((help, ""));
                told.extend(["# HELP ", name, "_total ", help]);
            }
            (_, Some(family)) if family.ends_with(" counter") => {
                let name = family.trim_end_matches(" counter");
                told.extend(["# TYPE ", name, "_total counter"]);
            }
            _ if line == "# EOF" => continue,
            _ => told.push_str(line),
        }
        told.push('\n');
    }
    told
}

/// The page while it is written.
pub(super) struct Page<'e>(pub(super) DescriptorEncoder<'e>);

impl Page<'_> {
    /// Counters of one family; `_total` is added to the name.
    pub(super) fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in series {
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    /// A counter of seconds without labels.
    pub(super) fn seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        family.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// A counter without labels.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        family.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// Gauges of one family.
    pub(super) fn levels<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in series {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// A gauge without labels.
    pub(super) fn level(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
    }

    /// A gauge without labels that need not be whole, or has no value yet.
    pub(super) fn measure(&mut self, name: &str, help: &str, value: Option<f64>) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        value.map_or(Ok(()), |value| family.encode_gauge(&value))
    }

    /// Histograms of one family, in seconds.
    pub(super) fn durations<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, Measured)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, measured) in series {
            histogram(family.encode_family(&labels)?, measured)?;
        }
        Ok(())
    }

    /// A histogram without labels, in seconds.
    pub(super) fn duration(&mut self, name: &str, help: &str, measured: Measured) -> fmt::Result {
        histogram(self.0.encode_descriptor(name, help, None, MetricType::Histogram)?, measured)
    }
}

fn histogram(mut encoder: MetricEncoder<'_>, measured: Measured) -> fmt::Result {
    let Measured { count, sum, buckets } = measured;
    let bound = |bound: Option<Duration>| bound.map_or(f64::INFINITY, |bound| bound.as_secs_f64());
    let buckets: Vec<(f64, u64)> = buckets.into_iter().map(|(at, count)| (bound(at), count)).collect();
    encoder.encode_histogram::<NoLabelSet>(sum.as_secs_f64(), count, &buckets, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_text_names_counters_like_their_samples_and_has_no_end() {
        let open = "# HELP a_b Help, with blanks.\n# TYPE a_b counter\na_b_total{x=\"y\"} 3\n# HELP c D\n# TYPE c gauge\nc 1\n# EOF\n";
        let expected = "# HELP a_b_total Help, with blanks.\n# TYPE a_b_total counter\na_b_total{x=\"y\"} 3\n# HELP c D\n# TYPE c gauge\nc 1\n";
        assert_eq!(plain(open), expected);
    }
}
