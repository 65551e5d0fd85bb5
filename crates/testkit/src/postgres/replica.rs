//! A streaming replica of a throwaway cluster: a server of its own, made by `pg_basebackup`.

use std::{fs::DirBuilder, io, os::unix::fs::DirBuilderExt as _, process::Command};

use super::{
    PRIVATE_IDLE_SECONDS, PostgresServer,
    cluster::{
        as_server_user, create_home, effective_user, lock_file, random_hex, run, start_on_free_port,
        start_watchdog,
    },
};

impl PostgresServer {
    /// A replica that streams from this server and answers reads, with the same password. It may be killed and started again
    /// like any private cluster, and is deleted with this value.
    ///
    /// # Errors
    /// When it cannot be copied or does not start.
    pub fn replica(&self) -> io::Result<Self> {
        let home = std::env::temp_dir().join(format!("holdfast-postgres-{}", random_hex()?));
        create_home(&home, effective_user()?)?;
        let in_use = lock_file(&home.join("in-use.lock"))?;
        in_use.lock_shared()?;
        let cluster = home.join("cluster");
        DirBuilder::new().mode(0o700).create(&cluster)?;
        if effective_user()? == 0 {
            run(Command::new("chown").arg("postgres").arg(&cluster))?;
        }
        // Where somebody has linked to what the distribution keeps elsewhere, this was left out most likely.
        let program = self.binaries.join("initdb").canonicalize()?.with_file_name("pg_basebackup");
        let mut copy = as_server_user(&program)?;
        // The replica keeps this address, and the password in it, to stream from.
        copy.arg("--dbname").arg(self.url("postgres")).arg("--pgdata").arg(&cluster);
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
        run(copy.current_dir(&home))?;
        let (binaries, password, durability) =
            (self.binaries.clone(), self.password.clone(), self.durability);
        let port = start_on_free_port(&binaries, &home, durability)?;
        start_watchdog(&home, PRIVATE_IDLE_SECONDS, false)?;
        Ok(Self { folder: home, binaries, port, password, durability, in_use, private: true })
    }
}
