//! `holdfast version`: what exactly was built. The same source gives the same answer: no time, no path and no machine is in it.

use clap::Args;
use migration::{Migrator, MigratorTrait as _};
use serde::Serialize;

use super::terminal::{Output, print};

/// Show what exactly was built: version, commit, compiler, target, features, schema
#[derive(Args)]
#[command(after_help = "Examples:\n  holdfast version\n  holdfast version --json | jq -r .schema")]
pub(super) struct VersionArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What the build script found, and the newest migration.
#[derive(Serialize)]
struct Build {
    version: &'static str,
    /// Absent where it was built from a tree that git does not know.
    commit: Option<&'static str>,
    rustc: &'static str,
    target: &'static str,
    profile: &'static str,
    features: Vec<&'static str>,
    schema: Option<String>,
}

impl Build {
    fn of_this() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: option_env!("HOLDFAST_BUILD_COMMIT"),
            rustc: env!("HOLDFAST_BUILD_RUSTC"),
            target: env!("HOLDFAST_BUILD_TARGET"),
            profile: env!("HOLDFAST_BUILD_PROFILE"),
            features: env!("HOLDFAST_BUILD_FEATURES").split(',').filter(|name| !name.is_empty()).collect(),
            schema: Migrator::migrations().last().map(|migration| migration.name().to_owned()),
        }
    }
}

pub(super) fn run(VersionArgs { json }: VersionArgs) -> anyhow::Result<()> {
    let build = Build::of_this();
    if json {
        return Output::new().json(&build);
    }
    let Build { version, commit, rustc, target, profile, features, schema } = build;
    let features = if features.is_empty() { "none".to_owned() } else { features.join(", ") };
    print(&format!(
        "holdfast {version}\ncommit    {}\nrustc     {rustc}\ntarget    {target}\nprofile   {profile}\n\
         features  {features}\nschema    {}",
        commit.unwrap_or("unknown"),
        schema.as_deref().unwrap_or("none"),
    ));
    Ok(())
}
