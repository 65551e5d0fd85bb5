//! What SQLite's result codes mean (<https://sqlite.org/rescode.html>), in one place: to the caller of the store, and to
//! whoever has to mend the file.

use holdfast_application::ports::{Unique, WriteOutage};
use sqlx::error::DatabaseError;

use super::{connections::FileReplaced, error::Fault};

/// The fault behind an extended result code, whose low byte is the primary one.
pub(super) fn fault(error: &dyn DatabaseError) -> Fault {
    let code = code(error);
    match (code, code & 0xff) {
        // SQLITE_CONSTRAINT_UNIQUE names its columns in the message alone.
        (2067, _) if error.message().contains("users.email_claim") => Fault::Duplicate(Unique::Email),
        // ..._UNIQUE, ..._PRIMARYKEY, ..._ROWID
        (2067 | 1555 | 2579, _) => Fault::Duplicate(Unique::Id),
        // ..._FOREIGNKEY
        (787, _) => Fault::OwnerMissing,
        // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL
        (_, 5 | 6 | 15) => Fault::Conflict,
        // SQLITE_NOMEM, SQLITE_INTERRUPT, SQLITE_CORRUPT, SQLITE_FULL: the connection goes on with what is not concerned.
        (_, 7 | 9 | 11 | 13) => Fault::Exhausted,
        // SQLITE_PERM, SQLITE_READONLY, SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_NOTADB: another connection may find the file
        // mended.
        (_, 3 | 8 | 10 | 14 | 26) => Fault::Lost,
        _ => Fault::Other,
    }
}

/// What an error says about the file; nothing for an error that is about the statement.
pub(super) fn outage(error: &sqlx::Error) -> Option<WriteOutage> {
    match error {
        sqlx::Error::Io(error) => {
            error.get_ref().filter(|cause| cause.is::<FileReplaced>()).map(|_| WriteOutage::Replaced)
        }
        sqlx::Error::Database(error) => of_code(code(error.as_ref())),
        _ => None,
    }
}

fn of_code(code: i32) -> Option<WriteOutage> {
    match (code, code & 0xff) {
        // SQLITE_READONLY_DBMOVED
        (1032, _) => Some(WriteOutage::Replaced),
        (_, 3 | 8) => Some(WriteOutage::ReadOnly),
        (_, 5 | 6 | 15) => Some(WriteOutage::Locked),
        (_, 10) => Some(WriteOutage::Failing),
        (_, 11 | 26) => Some(WriteOutage::Damaged),
        (_, 13) => Some(WriteOutage::Full),
        (_, 14) => Some(WriteOutage::Unreachable),
        _ => None,
    }
}

/// What to do about it. Nothing here deletes anything.
pub(super) fn remedy(outage: WriteOutage) -> &'static str {
    match outage {
        WriteOutage::Unreachable => {
            "the file and its folder must be readable and writable for the user that runs this; check owner, mode and mount"
        }
        WriteOutage::Full => "free some space; the server goes on by itself",
        WriteOutage::ReadOnly => {
            "the file and its folder must be writable for the user that runs this: check owner, mode and mount; the server \
             goes on by itself"
        }
        WriteOutage::Locked => {
            "end the other process, or wait until it is done; the server goes on by itself"
        }
        WriteOutage::Damaged => {
            "stop the server, keep a copy of the file with those beside it, and restore a backup, or save what can be read \
             with `sqlite3 FILE .recover`"
        }
        WriteOutage::Replaced => {
            "put the files back where they were, or stop the server before you replace them; nothing is written meanwhile"
        }
        WriteOutage::Failing => {
            "look at the system's log for errors of the disk, and whether a quota is used up or the folder allows no shared \
             memory; the server goes on by itself"
        }
    }
}

fn code(error: &dyn DatabaseError) -> i32 {
    error.code().and_then(|code| code.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_the_file_is_told_from_what_is_wrong_with_the_statement() {
        for (code, expected) in [
            (13, Some(WriteOutage::Full)),
            (8, Some(WriteOutage::ReadOnly)),
            (1544, Some(WriteOutage::ReadOnly)),
            (1032, Some(WriteOutage::Replaced)),
            (5, Some(WriteOutage::Locked)),
            (517, Some(WriteOutage::Locked)),
            (262, Some(WriteOutage::Locked)),
            (778, Some(WriteOutage::Failing)),
            (4874, Some(WriteOutage::Failing)),
            (11, Some(WriteOutage::Damaged)),
            (267, Some(WriteOutage::Damaged)),
            (26, Some(WriteOutage::Damaged)),
            (14, Some(WriteOutage::Unreachable)),
            (1, None),
            (9, None),
            (275, None),
            (1811, None),
            (2067, None),
        ] {
            assert_eq!(of_code(code), expected, "{code}");
        }
        assert_eq!(outage(&sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())), None);
        assert_eq!(
            outage(&sqlx::Error::Io(std::io::Error::other(FileReplaced))),
            Some(WriteOutage::Replaced)
        );
    }
}
