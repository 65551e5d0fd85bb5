//! Ways to a PostgreSQL server: every TLS mode against real certificates, and every spelling of a URL. The store and the
//! migrations must agree about all of them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by panicking")]

use std::{fs, net::TcpListener, path::Path};

use holdfast_application::ports::Store as _;
use holdfast_infrastructure::database::SeaOrmStore;
use holdfast_testkit::postgres::{Authority, Durability, PostgresServer};
use migration::{DatabaseUrl, Runner};
use sea_orm::{ConnectionTrait, Statement};
use tempfile::TempDir;

#[expect(dead_code, reason = "nothing is stored here")]
mod stores;

/// What becomes of a connection.
#[derive(Debug, Clone, Copy)]
enum Expected {
    Plain,
    Tls,
    /// Refused by us, and what the migrations say about it.
    Refused(&'static str),
}
use Expected::{Plain, Refused, Tls};

/// Certificates in files, for URLs.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    /// `{ca}` and the like become paths.
    fn fill_in(&self, parameters: &str) -> String {
        let folder = self.0.path().display().to_string();
        ["ca.pem", "other.pem", "client.pem", "client.key"]
            .into_iter()
            .fold(parameters.to_owned(), |text, name| text.replace(name, &format!("{folder}/{name}")))
    }
}

async fn texts(store: &SeaOrmStore, sql: &str) -> String {
    let call = store.call();
    let statement = Statement::from_sql_and_values(call.get_database_backend(), sql, []);
    call.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

async fn open(url: &str) -> (DatabaseUrl, SeaOrmStore) {
    let url = DatabaseUrl::parse(url).unwrap_or_else(|fault| panic!("{url} {fault}"));
    let store = SeaOrmStore::connect(stores::postgres_options(&url.connect_url())).await.unwrap();
    (url, store)
}

/// The store and the migrations on one URL.
async fn check(url: &str, expected: Expected) {
    const IS_TLS: &str = "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let password = url.split("postgres:").nth(2).and_then(|rest| rest.split('@').next()).unwrap_or("none");
    let (parsed, store) = open(url).await;
    let migrated = Runner::new(&parsed).status().await;
    match expected {
        Plain | Tls => {
            migrated.unwrap_or_else(|error| panic!("{url}: {error}"));
            store.ping().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
            let tls = texts(&store, IS_TLS).await;
            assert_eq!(tls == "true", matches!(expected, Tls), "{url}: TLS {tls}");
        }
        Refused(text) => {
            let error = migrated.unwrap_err();
            assert!(error.to_string().contains(text), "{url}: {error}");
            let at_the_store = store.ping().await.unwrap_err();
            let told = format!("{error} {error:?} {at_the_store} {at_the_store:?}");
            assert!(told.contains("certificate") || told.contains("TLS"), "{url}: {told}");
            assert!(!told.contains(password), "{url}: {told}");
        }
    }
}

async fn check_all(server: &PostgresServer, files: &Files, cases: &[(&str, &str, Expected)]) {
    for (host, parameters, expected) in cases {
        let url = server.url("postgres").replace("127.0.0.1", host);
        check(&format!("{url}?{}", files.fill_in(parameters)), *expected).await;
    }
}

const WITHOUT_TLS: &[(&str, &str, Expected)] = &[
    ("127.0.0.1", "", Plain),
    ("127.0.0.1", "sslmode=disable", Plain),
    ("127.0.0.1", "sslmode=allow", Plain),
    ("127.0.0.1", "sslmode=prefer", Plain),
    ("127.0.0.1", "sslmode=require", Refused("TLS switched off")),
    ("127.0.0.1", "channel_binding=require", Refused("TLS switched off")),
    ("localhost", "sslmode=verify-full&sslrootcert=ca.pem", Refused("TLS switched off")),
];

/// The certificate is for `localhost`.
const WITH_TLS: &[(&str, &str, Expected)] = &[
    ("127.0.0.1", "", Tls),
    ("127.0.0.1", "sslmode=disable", Plain),
    ("127.0.0.1", "sslmode=allow", Tls),
    ("127.0.0.1", "sslmode=prefer", Tls),
    ("127.0.0.1", "sslmode=require", Tls),
    ("127.0.0.1", "sslmode=prefer&channel_binding=require", Tls),
    ("127.0.0.1", "sslmode=require&channel_binding=require", Tls),
    ("127.0.0.1", "sslmode=require&sslrootcert=ca.pem", Tls),
    ("127.0.0.1", "sslmode=require&sslrootcert=other.pem", Refused("not trusted")),
    ("127.0.0.1", "sslmode=verify-ca", Refused("not trusted")),
    ("127.0.0.1", "sslmode=verify-ca&sslrootcert=ca.pem", Tls),
    ("127.0.0.1", "sslmode=verify-ca&sslrootcert=other.pem", Refused("not trusted")),
    ("127.0.0.1", "sslmode=verify-full&sslrootcert=ca.pem", Refused("another host")),
    ("localhost", "sslmode=verify-full&sslrootcert=ca.pem", Tls),
    ("localhost", "sslmode=verify-full&sslrootcert=other.pem", Refused("not trusted")),
    ("localhost", "sslmode=verify-full", Refused("not trusted")),
    ("localhost", "sslrootcert=system", Refused("not trusted")),
];

const EXPIRED: &[(&str, &str, Expected)] = &[
    ("localhost", "sslmode=require", Tls),
    ("localhost", "sslmode=verify-ca&sslrootcert=ca.pem", Refused("expired")),
    ("localhost", "sslmode=verify-full&sslrootcert=ca.pem", Refused("expired")),
];

fn server() -> Option<PostgresServer> {
    PostgresServer::private("infrastructure: TLS", Durability::Fast).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tls_mode_means_what_the_documentation_says() {
    let Some(server) = server() else { return };
    let (authority, other, files) = (Authority::new().unwrap(), Authority::new().unwrap(), Files::new());
    files.write("ca.pem", &authority.pem());
    files.write("other.pem", &other.pem());
    check_all(&server, &files, WITHOUT_TLS).await;
    server.restart_with_tls(&authority.for_hosts(&["localhost"]).unwrap(), None, &[]).unwrap();
    check_all(&server, &files, WITH_TLS).await;
    server.restart_with_tls(&authority.expired_for_hosts(&["localhost"]).unwrap(), None, &[]).unwrap();
    check_all(&server, &files, EXPIRED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_takes_the_place_of_a_password() {
    let Some(server) = server() else { return };
    let (authority, files) = (Authority::new().unwrap(), Files::new());
    let client = authority.for_role("postgres").unwrap();
    files.write("ca.pem", &authority.pem());
    files.write("client.pem", &client.certificate);
    files.write("client.key", &client.key);
    let certificate = authority.for_hosts(&["localhost"]).unwrap();
    server.restart_with_tls(&certificate, Some(&authority), &[]).unwrap();
    let url = format!("postgres://postgres@localhost:{}/postgres", server.port());
    let trusted = files.fill_in("sslmode=verify-full&sslrootcert=ca.pem");
    check(&format!("{url}?{trusted}&{}", files.fill_in("sslcert=client.pem&sslkey=client.key")), Tls).await;
    let (parsed, store) = open(&format!("{url}?{trusted}")).await;
    assert!(Runner::new(&parsed).status().await.is_err());
    assert!(store.ping().await.is_err());
}

/// The role `ada b` with the password `p@:/?#[]% é`, the database `d/b`.
const ROLE: &str = "ada%20b";
const PASSWORD: &str = "p%40%3A%2F%3F%23%5B%5D%25%20%C3%A9";
const DATABASE: &str = "d%2Fb";

fn spellings(port: u16, socket: &Path, ca: &str) -> Vec<String> {
    let folder = socket.to_str().unwrap();
    let encoded = folder.replace('/', "%2F");
    let mut urls = vec![
        format!("postgres://{ROLE}:{PASSWORD}@127.0.0.1:{port}/{DATABASE}"),
        format!(
            "postgresql://{ROLE}:{PASSWORD}@localhost:{port}/{DATABASE}?sslmode=verify-full&sslrootcert={ca}"
        ),
        format!("postgresql+asyncpg://{ROLE}:{PASSWORD}@127.0.0.1:{port}/{DATABASE}?ssl=require"),
        format!("postgresql+psycopg2://{ROLE}:{PASSWORD}@127.0.0.1:{port}/{DATABASE}?application_name=x"),
        format!("postgres:///{DATABASE}?host=127.0.0.1&port={port}&user={ROLE}&password={PASSWORD}"),
        format!("postgres://{ROLE}@127.0.0.1/ignored?dbname={DATABASE}&port={port}&password={PASSWORD}"),
        // A socket needs no TLS, whatever the mode.
        format!("postgres://{ROLE}:{PASSWORD}@{encoded}:{port}/{DATABASE}?sslmode=require"),
        format!("postgres:///{DATABASE}?host={folder}&port={port}&user={ROLE}&password={PASSWORD}"),
        format!("postgres://{ROLE}:{PASSWORD}@/{DATABASE}?host={encoded}&port={port}"),
    ];
    if TcpListener::bind("[::1]:0").is_ok() {
        urls.push(format!("postgres://{ROLE}:{PASSWORD}@[::1]:{port}/{DATABASE}?sslmode=disable"));
        urls.push(format!(
            "postgres://{ROLE}:{PASSWORD}@[::1]:{port}/{DATABASE}?sslmode=verify-full&sslrootcert={ca}"
        ));
    }
    urls
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_of_a_url_leads_to_the_same_database() {
    let Some(server) = server() else { return };
    let (authority, files) = (Authority::new().unwrap(), Files::new());
    files.write("ca.pem", &authority.pem());
    let sockets = format!("unix_socket_directories={}", server.socket_folder().display());
    let listening = if TcpListener::bind("[::1]:0").is_ok() {
        "listen_addresses=127.0.0.1,::1"
    } else {
        "listen_addresses=127.0.0.1"
    };
    let certificate = authority.for_hosts(&["localhost", "127.0.0.1", "::1"]).unwrap();
    server.restart_with_tls(&certificate, None, &[&sockets, listening]).unwrap();
    let (_, admin) = open(&server.url("postgres")).await;
    for sql in
        ["CREATE ROLE \"ada b\" LOGIN PASSWORD 'p@:/?#[]% é'", "CREATE DATABASE \"d/b\" OWNER \"ada b\""]
    {
        admin.call().execute_unprepared(sql).await.unwrap();
    }
    for url in spellings(server.port(), &server.socket_folder(), &files.fill_in("ca.pem")) {
        let (parsed, store) = open(&url).await;
        Runner::new(&parsed).status().await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let place = texts(&store, "SELECT current_user || ' in ' || current_database()").await;
        assert_eq!(place, "ada b in d/b", "{url}");
    }
}
