//! What to do when SQLite refuses its file, by its result codes (<https://sqlite.org/rescode.html>). No remedy deletes
//! anything.

/// The remedy for an extended result code; its low byte is the primary one.
pub(crate) fn of(code: &str) -> Option<&'static str> {
    let code: u32 = code.parse().ok()?;
    Some(match (code, code & 0xff) {
        // IOERR_SHMOPEN, _SHMSIZE, _SHMLOCK, _SHMMAP
        (4618 | 4874 | 5130 | 5386, _) => {
            "its folder must have room and allow shared memory (the file beside it that ends in -shm): free some space, or \
             move the file off a network share to a local disk"
        }
        // READONLY_CANTINIT, _DIRECTORY, and CANTOPEN, which a folder that cannot be written comes to as well
        (1288 | 1544, _) | (_, 14) => {
            "the file and its folder must be readable and writable for the user that runs this, because SQLite keeps two more \
             files beside it: check owner, mode and mount"
        }
        // READONLY, PERM
        (_, 3 | 8) => "the file must be writable for the user that runs this: check owner, mode and mount",
        // BUSY, LOCKED
        (_, 5 | 6) => "another process holds the file: end it, or wait until it is done",
        // IOERR
        (_, 10) => "the disk failed, or a quota is used up: look at the system's log, then try again",
        // CORRUPT
        (_, 11) => {
            "the file is damaged: keep a copy of it with those beside it, and restore a backup, or save what can be read with \
             `sqlite3 FILE .recover`"
        }
        // FULL
        (_, 13) => "free some space on the disk, then try again",
        // NOTADB
        (_, 26) => "the file is no SQLite database: correct the path, or restore a backup",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn every_way_to_lose_a_file_has_a_remedy() {
        for code in
            ["3", "5", "6", "8", "10", "11", "13", "14", "26", "264", "778", "1032", "1288", "1544", "4874"]
        {
            assert!(of(code).is_some(), "{code}");
        }
        assert_eq!(of("28P01"), None);
        assert_eq!(of("1"), None);
    }

    #[test]
    fn a_file_that_cannot_be_written_and_one_whose_folder_cannot_are_told_apart() {
        assert_ne!(of("8"), of("1544"));
        assert_eq!(of("14"), of("1544"));
    }
}
