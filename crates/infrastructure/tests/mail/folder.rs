//! Mail into a folder.

use std::fs;

use holdfast_application::ports::{MailError, Mailer};
use holdfast_infrastructure::mail::{MailFolder, Sender};

use crate::{LINK, mail};

#[tokio::test]
async fn each_mail_is_a_readable_file_for_its_owner_alone() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("data/mail");
    let mailer = MailFolder::new(folder.clone(), Sender::parse("Holdfast <holdfast@localhost>").unwrap());
    mailer.send(&mail("ada@example.com")).await.unwrap();
    let refused = mailer.send(&mail("nobody")).await;
    assert!(matches!(refused, Err(MailError::Unmailable)), "{refused:?}");
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files, [folder.join("20260101T000000Z-0190c42e-7f3a-7cc1-9b6a-0123456789ab.eml")]);
    let text = fs::read_to_string(&files[0]).unwrap();
    assert!(
        text.contains("\r\nTo: ada@example.com\r\n") && text.contains(&format!("\r\n{LINK}\r\n")),
        "{text}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_tried_again_later() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("data"), "a file").unwrap();
    let mailer = MailFolder::new(place.path().join("data/mail"), Sender::parse("a@b.c").unwrap());
    let failed = mailer.send(&mail("ada@example.com")).await;
    assert!(matches!(failed, Err(MailError::Unavailable(_))), "{failed:?}");
}
