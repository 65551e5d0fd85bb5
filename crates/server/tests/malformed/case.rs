//! One environment: variables, files, and what is to be told of it. Which ones there are is told in `cases`.

use std::{
    ffi::OsString,
    fs,
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::{PermissionsExt as _, symlink},
    },
    path::Path,
};

use holdfast_server::settings::variables;

/// In every secret of the table, so that a piece of one is found, too.
pub(crate) const SECRET: &str = "hunter2";

pub(crate) struct Told {
    pub(crate) variable: &'static str,
    pub(crate) problem: &'static str,
    pub(crate) expected: &'static str,
}

enum Entry {
    File(Vec<u8>, u32),
    Directory,
    Link(&'static str),
}

pub(crate) struct Case {
    pub(crate) name: &'static str,
    variables: Vec<(&'static str, OsString)>,
    files: Vec<(&'static str, Entry)>,
    pub(crate) told: Vec<Told>,
}

impl Case {
    pub(crate) fn development(name: &'static str) -> Self {
        let case = Self { name, variables: Vec::new(), files: Vec::new(), told: Vec::new() };
        case.set("ENVIRONMENT", "development")
    }

    /// Right in every variable, until one of them is set otherwise.
    pub(crate) fn production(name: &'static str) -> Self {
        Self::development(name)
            .set("ENVIRONMENT", "production")
            .set("JWT_SECRET", "hunter2-0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdefcafe5eed0ddba11e")
            .set("DATABASE_URL", "postgresql://app:hunter2@db.example/app?sslmode=require")
            .set("SMTP_URL", "smtps://app:hunter2@mail.example")
            .set("MAIL_FROM", "no-reply@app.example")
            .set("PUBLIC_URL", "https://app.example")
    }

    pub(crate) fn set(self, name: &'static str, value: &str) -> Self {
        self.set_bytes(name, value.as_bytes())
    }

    pub(crate) fn set_bytes(mut self, name: &'static str, value: &[u8]) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, OsString::from_vec(value.to_vec())));
        self
    }

    pub(crate) fn unset(mut self, name: &'static str) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self
    }

    pub(crate) fn file(self, path: &'static str, bytes: impl AsRef<[u8]>) -> Self {
        self.file_of_mode(path, bytes, 0o600)
    }

    pub(crate) fn file_of_mode(mut self, path: &'static str, bytes: impl AsRef<[u8]>, mode: u32) -> Self {
        self.files.push((path, Entry::File(bytes.as_ref().to_vec(), mode)));
        self
    }

    pub(crate) fn directory(mut self, path: &'static str) -> Self {
        self.files.push((path, Entry::Directory));
        self
    }

    pub(crate) fn link(mut self, path: &'static str, to: &'static str) -> Self {
        self.files.push((path, Entry::Link(to)));
        self
    }

    pub(crate) fn told(
        mut self,
        variable: &'static str,
        problem: &'static str,
        expected: &'static str,
    ) -> Self {
        self.told.push(Told { variable, problem, expected });
        self
    }

    pub(crate) fn environment(&self) -> impl Iterator<Item = (&str, &OsString)> {
        self.variables.iter().map(|(name, value)| (*name, value))
    }

    /// What must not be told: the values of secret variables, and what every secret of the table holds.
    pub(crate) fn secrets(&self) -> Vec<String> {
        // What is public in a URL may be told; its password is a secret of the table.
        let secret =
            |name: &str| variables::find(name).is_some_and(|it| it.is_secret() && !it.kind.ends_with("URL"));
        let values = self.variables.iter().filter(|(name, _)| secret(name));
        let values = values.map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).trim().to_owned());
        // A text of a few letters is found in any sentence.
        values.filter(|value| value.len() > 6).chain([SECRET.to_owned()]).collect()
    }

    pub(crate) fn lay_out(&self, directory: &Path) {
        for (path, entry) in &self.files {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match entry {
                Entry::File(bytes, mode) => {
                    fs::write(&path, bytes).unwrap();
                    fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
                }
                Entry::Directory => fs::create_dir_all(&path).unwrap(),
                Entry::Link(to) => symlink(to, &path).unwrap(),
            }
        }
    }
}
