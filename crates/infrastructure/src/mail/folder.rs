//! Mail into a folder, for development: one file each, that a person and a mail program can read.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use holdfast_application::ports::{Mail, MailError, Mailer};
use tokio::task;

use super::{Sender, message};

/// Writes each mail to a file `<time>-<id>.eml` that only its owner may read: it holds live links.
#[derive(Debug, Clone)]
pub struct MailFolder {
    folder: PathBuf,
    sender: Sender,
}

impl MailFolder {
    /// Makes the folder with the first mail.
    pub fn new(folder: PathBuf, sender: Sender) -> Self {
        Self { folder, sender }
    }
}

#[async_trait]
impl Mailer for MailFolder {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = message::compose(mail, &self.sender)?.formatted();
        let name = format!("{}-{}.eml", mail.at.datetime().format("%Y%m%dT%H%M%SZ"), mail.id);
        let folder = self.folder.clone();
        let written = task::spawn_blocking(move || write(&folder, &name, &message)).await;
        written
            .map_err(|lost| MailError::Unavailable(lost.into()))?
            .map_err(|error| MailError::Unavailable(error.into()))
    }
}

/// The file is complete when it gets its name. `tempfile` opens with owner-only permission on Unix; elsewhere the folder's
/// permissions hold.
fn write(folder: &Path, name: &str, message: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".mail-").tempfile_in(folder)?;
    file.write_all(message)?;
    file.persist(folder.join(name))?;
    Ok(())
}
