//! The replica that lists may be read from: what its URL may be beside the one of the database. Whether it is one shows when
//! it is asked, which is the infrastructure crate's.

use migration::database_url::{self, Chosen, DatabaseUrl, Engine, FALLBACK_ORDER, READ_VARIABLE};

use super::database::{Named, pass_on, report, report_faulty};
use super::environment::Environment;
use super::reader::Reader;

/// The URL, if one is set that has an effect. `served` is what is set for the database, as far as that is right.
pub(super) fn read(
    reader: &mut Reader,
    served: Option<&Named>,
    environment: Environment,
) -> Option<DatabaseUrl> {
    let chosen = database_url::choose_replica(|name| reader.set(name).map(|entry| entry.value.clone()));
    let url = match chosen {
        Ok(Some(Chosen { url, warnings, variable: _ })) => {
            pass_on(reader, warnings);
            url
        }
        Ok(None) => return None,
        Err(faulty) => {
            report_faulty(reader, &faulty);
            return None;
        }
    };
    if url.engine() == Engine::Sqlite {
        reader.fault_expecting(READ_VARIABLE, "leads to a SQLite file, which is nobody's replica", WANTED);
        return None;
    }
    if environment.is_strict()
        && let Some(text) = url.production_fault(false)
    {
        report(reader, READ_VARIABLE, text);
    }
    match served {
        Some((variable, served)) => beside(reader, variable, served, url),
        // A fault of the other URL is told already, and where it must be set its absence, too.
        None if environment.is_strict()
            || FALLBACK_ORDER.into_iter().any(|name| reader.set(name).is_some()) =>
        {
            None
        }
        None => {
            reader.fault_expecting(
                READ_VARIABLE,
                "is set, and the database is a SQLite file, which has no replicas",
                INSTEAD,
            );
            None
        }
    }
}

const WANTED: &str = "the postgresql:// URL of a streaming replica of the database";
const INSTEAD: &str = "the postgresql:// URL of its primary in DATABASE_URL, or no DATABASE_READ_URL";

fn beside(
    reader: &mut Reader,
    variable: &str,
    served: &DatabaseUrl,
    url: DatabaseUrl,
) -> Option<DatabaseUrl> {
    let DatabaseUrl::Postgres(primary) = served else {
        let problem = format!("is set, and {variable} leads to a SQLite file, which has no replicas");
        reader.fault_expecting(READ_VARIABLE, problem, INSTEAD);
        return None;
    };
    if *served == url {
        reader.warn(READ_VARIABLE, format!("is the same as {variable}, and has no effect"));
        return None;
    }
    if let DatabaseUrl::Postgres(replica) = &url
        && replica.database() != primary.database()
    {
        reader.warn(READ_VARIABLE, format!("names another database than {variable}"));
    }
    Some(url)
}
