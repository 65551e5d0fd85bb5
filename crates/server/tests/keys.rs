//! Keys of tokens as operators meet them: the commands, a rotation over two running instances, and the change from the
//! secret to a key pair. Every token is asked about over HTTP, and every step is taken with the program itself.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use holdfast_testkit::keys::{ED25519, OTHER_ED25519, RSA_1024};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery staple";
const SECRET: &str = "keys-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789-0123456789";
/// Production on one machine, and an interval that a slow machine does not outlast.
const PRODUCTION: [(&str, &str); 8] = [
    ("ENVIRONMENT", "production"),
    ("DATABASE_URL", "sqlite://holdfast.db"),
    ("ALLOW_SQLITE_IN_PRODUCTION", "true"),
    ("LOG_FORMAT", "text"),
    ("PORT", "0"),
    ("REFRESH_REUSE_SECONDS", "600"),
    ("RATE_LIMIT_SIGN_IN_BURST", "1000"),
    ("JWT_KEY_DIRECTORY", "keys"),
];

/// A working directory, and the variables of the deployment in it.
struct Deployment {
    directory: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Deployment {
    fn new(variables: &[(&'static str, &str)]) -> Self {
        let deployment = Self { directory: TempDir::new().unwrap(), variables: Vec::new() };
        [PRODUCTION.as_slice(), variables].concat().iter().fold(
            deployment,
            |mut deployment, (name, value)| {
                deployment.set(name, value);
                deployment
            },
        )
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        let variables = self.variables.iter().map(|(name, value)| (*name, value.as_str()));
        command.env_clear().envs(variables).current_dir(self.directory.path()).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs `holdfast keys …`, which must succeed, and gives what it printed.
    fn keys(&self, arguments: &[&str]) -> String {
        let output = self.run(&[&["keys"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        assert_eq!(output.stderr, b"", "{arguments:?}: {}", text(&output));
        let printed = text(&output);
        assert!(!self.private_parts().iter().any(|part| printed.contains(part)), "{printed}");
        printed
    }

    /// Runs `holdfast keys …`, which must fail, and gives what it complained about.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(&[&["keys"], arguments].concat());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output));
        text(&output)
    }

    fn list(&self) -> Vec<Value> {
        serde_json::from_str(&self.keys(&["list", "--json"])).unwrap()
    }

    /// The keys in this state.
    fn in_state(&self, state: &str) -> Vec<String> {
        let list = self.list().into_iter().filter(|row| row["state"] == state);
        list.map(|row| row["kid"].as_str().unwrap().to_owned()).collect()
    }

    fn key_directory(&self) -> PathBuf {
        self.directory.path().join("keys")
    }

    /// Every line of base64 of every private key.
    fn private_parts(&self) -> Vec<String> {
        let files = fs::read_dir(self.key_directory()).map(|files| files.map(|file| file.unwrap().path()));
        let texts = files.into_iter().flatten().map(|file| fs::read_to_string(file).unwrap());
        let private = texts.filter(|text| text.starts_with("-----BEGIN PRIVATE KEY-----"));
        private
            .flat_map(|text| {
                text.lines().filter(|line| !line.starts_with("-----")).map(str::to_owned).collect::<Vec<_>>()
            })
            .collect()
    }

    fn serve(&self) -> Server {
        let mut child = self.command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let base = lines.by_ref().find_map(|line| {
            let line = line.unwrap();
            let base = line.split("API: ").nth(1).and_then(|rest| rest.split("/api/v1").next());
            let base = base.map(ToOwned::to_owned);
            said.push(line);
            base
        });
        let base = base.unwrap_or_else(|| panic!("the server said only: {said:#?}"));
        // Whoever writes logs needs somebody who reads them.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, base, said, client: Client::builder().no_proxy().build().unwrap() }
    }
}

/// An instance; killed when dropped.
struct Server {
    child: Child,
    base: String,
    /// What it logged before it was up.
    said: Vec<String>,
    client: Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What somebody has after signing up.
struct Tokens {
    access: String,
    long_lived: String,
    refresh: String,
}

impl Server {
    async fn sign_up(&self, name: &str) -> Tokens {
        let wish = json!({ "email": format!("{name}@example.com"), "password": PASSWORD });
        let answer = self.client.post(format!("{}/api/v1/auth/signup", self.base)).json(&wish).send().await;
        let body: Value = answer.unwrap().json().await.unwrap();
        let text =
            |member: &str| body["data"][member].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
        Tokens { access: text("access_token"), long_lived: text("token"), refresh: text("refresh_token") }
    }

    async fn knows(&self, access: &str) -> bool {
        let request = self.client.get(format!("{}/api/v1/auth/me", self.base)).bearer_auth(access);
        match request.send().await.unwrap().status().as_u16() {
            200 => true,
            401 => false,
            other => panic!("{other}"),
        }
    }

    /// The successor; nothing where the token is refused.
    async fn refresh(&self, token: &str) -> Option<String> {
        let request = self.client.post(format!("{}/api/v1/auth/refresh", self.base));
        let answer = request.json(&json!({ "refresh_token": token })).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        match status {
            200 => Some(body["data"]["refresh_token"].as_str().unwrap().to_owned()),
            401 => {
                assert_eq!(body["error_code"], "REFRESH_TOKEN_INVALID");
                None
            }
            other => panic!("{other}: {body}"),
        }
    }

    async fn key_set(&self) -> Value {
        let answer = self.client.get(format!("{}/.well-known/jwks.json", self.base)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
        answer.json().await.unwrap()
    }

    /// The names of the published keys.
    async fn published(&self) -> Vec<String> {
        let set = self.key_set().await;
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn kid(token: &str) -> String {
    decode_header(token).unwrap().kid.unwrap()
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[tokio::test]
async fn a_rotation_over_two_instances_signs_nobody_out_until_the_old_key_is_retired() {
    for algorithm in ["EdDSA", "RS256"] {
        // Without a JWT_SECRET: the keys are all there is.
        let deployment = Deployment::new(&[("JWT_ALGORITHM", algorithm)]);
        deployment.keys(&["generate", "--algorithm", algorithm]);
        let [old] = deployment.in_state("signing").try_into().unwrap();
        let (mut one, mut other) = (deployment.serve(), deployment.serve());
        let ada = one.sign_up("ada").await;
        assert_eq!([kid(&ada.access), kid(&ada.long_lived), kid(&ada.refresh)], [&*old, &*old, &*old]);

        // Publish: nobody signs with it, everybody verifies.
        deployment.keys(&["generate", "--algorithm", algorithm]);
        let [new] = deployment.in_state("published").try_into().unwrap();
        for instance in [&mut one, &mut other] {
            *instance = deployment.serve();
            assert_eq!(instance.published().await, [&*old, &*new], "the one that signs stands first");
        }
        assert_eq!(kid(&other.sign_up("bob").await.access), old);

        // Sign: while one instance has been restarted and the other has not, they understand each other.
        deployment.keys(&["rotate"]);
        assert_eq!(deployment.in_state("previous"), [&*old]);
        one = deployment.serve();
        let (eve, dan) = (one.sign_up("eve").await, other.sign_up("dan").await);
        assert_eq!([kid(&eve.access), kid(&dan.access)], [&*new, &*old]);
        for instance in [&one, &other] {
            for token in [&ada.access, &ada.long_lived, &eve.access, &eve.long_lived, &dan.access] {
                assert!(instance.knows(token).await, "{algorithm}");
            }
        }
        // A refresh whose answer was lost gets the same successor from either, whichever key signed it first.
        let second = other.refresh(&ada.refresh).await.unwrap();
        assert_eq!(kid(&second), old);
        assert_eq!(one.refresh(&ada.refresh).await.as_ref(), Some(&second));
        let third = one.refresh(&second).await.unwrap();
        assert_eq!(kid(&third), new);
        assert_eq!(other.refresh(&second).await.as_ref(), Some(&third));
        other = deployment.serve();
        for instance in [&one, &other] {
            assert_eq!(sorted(instance.published().await), sorted(vec![new.clone(), old.clone()]));
            assert_eq!(instance.refresh(&second).await.as_ref(), Some(&third));
            assert!(instance.knows(&ada.access).await && instance.knows(&ada.long_lived).await);
        }

        // Retire: not while there may be tokens under it; afterwards they are all refused, and nobody else's.
        let early = deployment.refused(&["retire", &old]);
        assert!(early.contains("may still be about (until 2") && early.contains("--now"), "{early}");
        let signs = deployment.refused(&["retire", &new, "--now"]);
        assert!(signs.contains("signs: let another key sign first"), "{signs}");
        deployment.keys(&["retire", &old, "--now"]);
        (one, other) = (deployment.serve(), deployment.serve());
        for instance in [&one, &other] {
            assert_eq!(instance.published().await, [&*new]);
            for token in [&ada.access, &ada.long_lived, &dan.access] {
                assert!(!instance.knows(token).await, "{algorithm}: a retired key still verifies");
            }
            for token in [&ada.refresh, &second, &dan.refresh] {
                assert_eq!(instance.refresh(token).await, None, "{algorithm}");
            }
            assert!(instance.knows(&eve.access).await, "{algorithm}");
        }
        let fourth = one.refresh(&third).await.unwrap();
        assert_eq!(
            other.refresh(&third).await,
            Some(fourth),
            "{algorithm}: a session outlives its first key"
        );
    }
}

#[tokio::test]
async fn the_change_from_the_secret_to_a_key_pair_and_back_signs_nobody_out() {
    let mut deployment = Deployment::new(&[("JWT_SECRET", SECRET), ("JWT_KEY_DIRECTORY", "")]);
    let server = deployment.serve();
    assert_eq!(server.key_set().await, json!({ "keys": [] }));
    let ada = server.sign_up("ada").await;

    deployment.set("JWT_KEY_DIRECTORY", "keys");
    deployment.keys(&["generate"]);
    let [pair] = deployment.in_state("signing").try_into().unwrap();
    let server = deployment.serve();
    assert_eq!(server.published().await, [&*pair]);
    assert_eq!(kid(&server.sign_up("bob").await.access), kid(&ada.access), "HS256 signs still");

    deployment.set("JWT_ALGORITHM", "EdDSA");
    let server = deployment.serve();
    assert!(server.knows(&ada.access).await && server.knows(&ada.long_lived).await);
    let second = server.refresh(&ada.refresh).await.unwrap();
    let eve = server.sign_up("eve").await;
    assert_eq!([kid(&second), kid(&eve.access)], [&*pair, &*pair]);

    deployment.set("JWT_ALGORITHM", "HS256");
    let server = deployment.serve();
    for token in [&ada.access, &eve.access, &eve.long_lived] {
        assert!(server.knows(token).await);
    }
    assert_eq!(
        server.refresh(&ada.refresh).await.as_ref(),
        Some(&second),
        "the same successor, by its own key"
    );

    // The end of the secret is the end of its tokens.
    deployment.set("JWT_ALGORITHM", "EdDSA");
    deployment.set("JWT_SECRET", "");
    let server = deployment.serve();
    assert!(!server.knows(&ada.access).await && !server.knows(&ada.long_lived).await);
    assert!(server.knows(&eve.access).await);
    assert!(server.refresh(&second).await.is_some());
}

#[tokio::test]
async fn anybody_can_verify_a_token_with_the_published_keys() {
    let deployment = Deployment::new(&[("JWT_ALGORITHM", "EdDSA")]);
    deployment.keys(&["generate"]);
    deployment.keys(&["generate", "--algorithm", "RS256"]);
    for (algorithm, name) in [(Algorithm::EdDSA, "EdDSA"), (Algorithm::RS256, "RS256")] {
        let deployment = {
            let mut other =
                Deployment { directory: TempDir::new().unwrap(), variables: deployment.variables.clone() };
            other.set("JWT_KEY_DIRECTORY", deployment.key_directory().to_str().unwrap());
            other.set("JWT_ALGORITHM", name);
            other
        };
        let server = deployment.serve();
        let token = server.sign_up("ada").await.access;
        let text = server.key_set().await.to_string();
        for member in ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"dq\"", "\"qi\"", "\"k\"", "oct"] {
            assert!(!text.contains(member), "{member} is in {text}");
        }
        let keys: JwkSet = serde_json::from_str(&text).unwrap();
        assert_eq!(keys.keys.len(), 2);
        let header = decode_header(&token).unwrap();
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
        let key = keys.find(header.kid.as_deref().unwrap()).unwrap();
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&["holdfast"]);
        validation.set_issuer(&["holdfast"]);
        let data = decode::<Value>(&token, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap();
        assert_eq!(data.claims["email"], "ada@example.com");
    }
}

#[test]
fn the_commands_write_files_of_their_own_alone_and_print_nothing_private() {
    let deployment = Deployment::new(&[]);
    let told = deployment.keys(&["generate"]);
    assert!(told.contains("signs where JWT_ALGORITHM=EdDSA"), "{told}");
    let [first] = deployment.in_state("signing").try_into().unwrap();
    let file = deployment.key_directory().join(format!("{first}.pem"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(deployment.key_directory()).unwrap().permissions().mode() & 0o777, 0o700);
    let told = deployment.keys(&["generate"]);
    assert!(told.contains("is published") && told.contains("holdfast keys rotate"), "{told}");
    assert_eq!(deployment.in_state("signing"), [&*first]);
    let [second] = deployment.in_state("published").try_into().unwrap();
    let rows = deployment.list();
    assert_eq!(rows[0]["algorithm"], "EdDSA");
    assert_eq!(rows[0]["file"], format!("{first}.pem"));
    assert!(rows[0]["signs_since"].as_str().unwrap().ends_with('Z'));
    assert_eq!(rows[1]["signs_since"], Value::Null);
    let table = deployment.keys(&["list"]);
    assert!(table.contains(&first) && table.contains(&second) && table.contains("published"), "{table}");
    deployment.keys(&["rotate", &second]);
    assert!(
        deployment.keys(&["retire", &first, "--verify-only", "--now"]).contains("signs nothing any more")
    );
    assert_eq!(deployment.in_state("verify-only"), [&*first]);
    assert!(!file.exists());
    assert!(deployment.keys(&["retire", &first, "--now"]).contains("is gone"));
    assert_eq!(deployment.list().len(), 1);
}

#[test]
fn the_directory_is_the_argument_or_the_setting() {
    let mut deployment = Deployment::new(&[("JWT_KEY_DIRECTORY", "")]);
    let told = deployment.refused(&["generate"]);
    assert!(told.contains("JWT_KEY_DIRECTORY") && told.contains("--directory"), "{told}");
    deployment.keys(&["generate", "--directory", "elsewhere"]);
    deployment.keys(&["--directory", "elsewhere", "list"]);
    fs::write(deployment.directory.path().join(".env"), "JWT_KEY_DIRECTORY=elsewhere\n").unwrap();
    assert_eq!(deployment.list().len(), 1);
    // Nothing else has to be right.
    deployment.set("PORT", "eighty");
    deployment.set("JWT_SECRET", "hunter2");
    assert_eq!(deployment.list().len(), 1);
}

#[test]
fn what_a_command_cannot_do_it_says() {
    let deployment = Deployment::new(&[("JWT_ALGORITHM", "EdDSA")]);
    assert!(deployment.refused(&["list"]).contains("keys does not exist; expected a directory"));
    deployment.keys(&["generate"]);
    for (arguments, told) in [
        (["rotate"].as_slice(), "there is no published key"),
        (&["rotate", "-nobody"], "there is no key -nobody"),
        (&["retire", "nobody"], "there is no key nobody"),
    ] {
        let said = deployment.refused(arguments);
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
    for arguments in [["keys"].as_slice(), &["keys", "generate", "--algorithm", "HS256"], &["keys", "retire"]]
    {
        assert_eq!(deployment.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    let file = deployment.key_directory().join("weak.pem");
    fs::write(&file, RSA_1024).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    for arguments in [["list"].as_slice(), &["generate"], &["rotate"]] {
        let said = deployment.refused(arguments);
        assert!(said.contains("\"weak.pem\" holds an RSA key of 1024 bits; expected"), "{said}");
    }
}

#[test]
fn help_has_examples() {
    let deployment = Deployment::new(&[]);
    for (arguments, example) in [
        (["keys", "--help"].as_slice(), "holdfast keys rotate"),
        (&["keys", "generate", "--help"], "holdfast keys generate --algorithm RS256"),
        (&["keys", "list", "--help"], "holdfast keys list --json"),
        (&["keys", "rotate", "--help"], "holdfast keys rotate"),
        (&["keys", "retire", "--help"], "--verify-only"),
    ] {
        let output = deployment.run(arguments);
        assert!(output.status.success());
        let said = text(&output);
        assert!(said.contains("Examples:") && said.contains(example), "{said}");
    }
}

#[test]
fn faults_of_keys_stop_the_start_with_exit_code_78_together_with_all_others() {
    let deployment = Deployment::new(&[("JWT_ALGORITHM", "EdDSA"), ("DRAIN_DELAY", "61")]);
    fs::create_dir(deployment.key_directory()).unwrap();
    for (name, key, mode) in
        [("a.pem", ED25519, 0o644), ("b.pem", RSA_1024, 0o600), ("c.pem", OTHER_ED25519, 0o600)]
    {
        let file = deployment.key_directory().join(name);
        fs::write(&file, key).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    }
    for arguments in [["serve"], ["check-config"]] {
        let output = deployment.run(&arguments);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(78), "{said}");
        for told in ["\"a.pem\" may be read or written by others (mode 0644)", "1024 bits", "DRAIN_DELAY"] {
            assert!(said.contains(told), "{told} is missing in: {said}");
        }
        assert!(!said.contains("MC4C") && !said.contains("JWT_SECRET"), "{said}");
    }
    assert!(!deployment.directory.path().join("holdfast.db").exists(), "a refused start left files behind");
}

#[test]
fn a_generated_secret_that_others_may_read_is_warned_of() {
    let mut deployment = Deployment::new(&[("JWT_KEY_DIRECTORY", "")]);
    deployment.set("ENVIRONMENT", "development");
    let warned = |server: &Server| server.said.iter().any(|line| line.contains("data/secret may be read"));
    assert!(!warned(&deployment.serve()));
    let secret = deployment.directory.path().join("data/secret");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let server = deployment.serve();
    assert!(warned(&server), "{:?}", server.said);
    let kept = fs::read_to_string(secret).unwrap();
    assert!(!server.said.iter().any(|line| line.contains(kept.trim())));
}
