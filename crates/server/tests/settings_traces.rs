//! What the variables of OpenTelemetry come to.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{fs, path::Path, time::Duration};

use holdfast_server::settings::{Export, Loaded, Pace, REDACTED, Settings, Sources};
use tempfile::TempDir;

const ADDRESS: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

fn load_in(directory: &Path, pairs: &[(&str, &str)]) -> Loaded {
    let own = [("ENVIRONMENT", "development")].iter().chain(pairs);
    let environment = own.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let sources = Sources { directory: directory.to_owned(), environment };
    Settings::load(&sources).unwrap_or_else(|faults| panic!("{faults}"))
}

fn load(pairs: &[(&str, &str)]) -> Loaded {
    load_in(TempDir::new().unwrap().path(), pairs)
}

fn export(pairs: &[(&str, &str)]) -> Export {
    load(pairs).settings.traces.export.unwrap_or_else(|| panic!("{pairs:?} export nothing"))
}

fn about_traces(loaded: &Loaded) -> Vec<String> {
    let told = loaded.warnings.iter().filter(|warning| warning.variable.starts_with("OTEL_"));
    told.map(ToString::to_string).collect()
}

fn shown(loaded: &Loaded, variable: &str) -> Option<String> {
    let rows = loaded.settings.describe().rows();
    rows.iter().find(|row| row.variable == variable).unwrap_or_else(|| panic!("{variable}")).value.clone()
}

#[test]
fn nothing_is_exported_without_an_address_or_where_that_is_switched_off() {
    for pairs in [
        &[][..],
        &[("OTEL_TRACES_EXPORTER", "otlp")],
        &[ADDRESS, ("OTEL_TRACES_EXPORTER", "none")],
        &[ADDRESS, ("OTEL_SDK_DISABLED", "true")],
    ] {
        let loaded = load(pairs);
        assert!(loaded.settings.traces.export.is_none(), "{pairs:?}");
        assert!(loaded.settings.traces.believes_callers, "{pairs:?}");
    }
}

#[test]
fn an_address_alone_exports_as_the_standard_says() {
    let Export { endpoint, headers, timeout, gzip, sampler, pace, resource } = export(&[ADDRESS]);
    assert_eq!(endpoint.as_str(), "http://127.0.0.1:4318/v1/traces");
    assert_eq!(format!("{headers:?}"), "ExportHeaders([])");
    assert_eq!((timeout, gzip), (Duration::from_secs(10), false));
    assert_eq!(sampler.to_string(), "parentbased_always_on");
    let expected =
        Pace { delay: Duration::from_secs(5), queue: 2_048, batch: 512, limit: Duration::from_secs(30) };
    assert_eq!(pace, expected);
    let value = |name: &str| resource.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(value("service.name"), Some("holdfast"));
    assert_eq!(value("service.version"), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(value("deployment.environment.name"), Some("development"));
}

#[test]
fn what_is_said_for_traces_goes_before_what_is_said_for_all_signals() {
    let all = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otel.example/in/"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hunter2, x-team = a%2Cb"),
    ];
    let taken = export(&all);
    assert_eq!(taken.endpoint.as_str(), "https://otel.example/in/v1/traces");
    assert_eq!((taken.timeout, taken.gzip), (Duration::from_secs(1), true));
    let told = format!("{:?}", taken.headers);
    assert!(told.contains("authorization") && told.contains("x-team") && !told.contains("hunter2"), "{told}");
    let own = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces.example/as/it/is"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-own=hunter2"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
    ];
    let taken = export(&[&all[..], &own].concat());
    assert_eq!(taken.endpoint.as_str(), "https://traces.example/as/it/is");
    assert_eq!((taken.timeout, taken.gzip), (Duration::from_millis(2), false));
    assert!(!format!("{:?}", taken.headers).contains("authorization"));
}

#[test]
fn who_tells_the_spans_is_what_is_said_and_a_variable_of_its_own_goes_first() {
    let listed = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a,team=x%20y,service.version=9");
    let value = |pairs: &[(&str, &str)], name: &str| {
        let found: Vec<_> = export(pairs).resource.into_iter().filter(|(key, _)| key == name).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].1.clone()
    };
    assert_eq!(value(&[ADDRESS, listed], "service.name"), "a");
    assert_eq!(value(&[ADDRESS, listed], "team"), "x y");
    assert_eq!(value(&[ADDRESS, listed], "service.version"), "9");
    assert_eq!(value(&[ADDRESS, listed, ("OTEL_SERVICE_NAME", "b")], "service.name"), "b");
}

#[test]
fn samplers_are_those_of_the_standard_and_a_ratio_without_its_sampler_is_warned_of() {
    for name in
        ["always_on", "always_off", "traceidratio", "parentbased_always_off", "parentbased_traceidratio"]
    {
        assert_eq!(export(&[ADDRESS, ("OTEL_TRACES_SAMPLER", name)]).sampler.to_string(), name);
    }
    let ratio = ("OTEL_TRACES_SAMPLER_ARG", "0.25");
    let loaded = load(&[ADDRESS, ratio, ("OTEL_TRACES_SAMPLER", "traceidratio")]);
    assert!(format!("{:?}", loaded.settings.traces).contains("0.25") && about_traces(&loaded).is_empty());
    let told = about_traces(&load(&[ADDRESS, ratio]));
    assert_eq!(told, ["OTEL_TRACES_SAMPLER_ARG: has no effect with the sampler parentbased_always_on"]);
}

#[test]
fn propagators_say_whether_callers_are_believed_and_others_are_warned_of() {
    for (text, believes, told) in [
        ("tracecontext", true, None),
        ("baggage,tracecontext", true, None),
        ("none", false, None),
        ("tracecontext,none", false, None),
        ("baggage", false, None),
        ("b3,tracecontext", true, Some("OTEL_PROPAGATORS: b3 is not spoken here, and has no effect")),
    ] {
        let loaded = load(&[ADDRESS, ("OTEL_PROPAGATORS", text)]);
        assert_eq!(loaded.settings.traces.believes_callers, believes, "{text}");
        assert_eq!(about_traces(&loaded).first().map(String::as_str), told, "{text}");
    }
}

#[test]
fn a_variable_of_the_standard_without_effect_is_told_once_and_a_misspelling_as_such() {
    let told =
        about_traces(&load(&[("OTEL_METRICS_EXPORTER", "otlp"), ("OTEL_EXPORTER_OTLP_ENDPIONT", "x")]));
    assert_eq!(
        told,
        [
            "OTEL_EXPORTER_OTLP_ENDPIONT: is not a variable of this server and has no effect; the nearest is OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_METRICS_EXPORTER: belongs to the OpenTelemetry standard and has no effect here",
        ]
    );
}

#[test]
fn headers_may_lie_in_a_file_are_never_shown_and_warned_of_in_clear_text() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("headers"), "authorization=Bearer%20hunter2\n").unwrap();
    let pairs = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS_FILE", "./headers"),
    ];
    let loaded = load_in(directory.path(), &pairs);
    assert_eq!(shown(&loaded, "OTEL_EXPORTER_OTLP_HEADERS").as_deref(), Some(REDACTED));
    assert_eq!(shown(&loaded, "OTEL_EXPORTER_OTLP_TRACES_HEADERS"), None);
    let told = about_traces(&loaded);
    assert!(told[0].contains("clear text") && told.len() == 1, "{told:?}");
    let all = format!("{loaded:?}{}", loaded.settings.describe());
    assert!(!all.contains("hunter2"), "{all}");
}

#[test]
fn effective_settings_show_what_holds() {
    let loaded = load(&[ADDRESS, ("OTEL_BSP_MAX_QUEUE_SIZE", "600")]);
    for (variable, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", Some("http://127.0.0.1:4318")),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", None),
        ("OTEL_TRACES_SAMPLER", Some("parentbased_always_on")),
        ("OTEL_SERVICE_NAME", Some("holdfast")),
        ("OTEL_BSP_MAX_QUEUE_SIZE", Some("600")),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", Some("512")),
        ("OTEL_SDK_DISABLED", Some("false")),
    ] {
        assert_eq!(shown(&loaded, variable).as_deref(), value, "{variable}");
    }
}
