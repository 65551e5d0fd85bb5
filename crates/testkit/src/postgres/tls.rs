//! A server with TLS, and the certificates for it. They are made anew for each test and trusted by nobody else.

use std::{fs, io, path::PathBuf, process::Command};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::{
    PostgresServer,
    cluster::{CHANGED_SETTINGS, effective_user, run, write_private},
};

/// An authority of a test's own.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, both as PEM text.
#[derive(Debug)]
pub struct Certificate {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Authority {
    /// A new authority.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new() -> io::Result<Self> {
        let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, "Authority of a test");
        let key = KeyPair::generate().map_err(io::Error::other)?;
        CertifiedIssuer::self_signed(params, key).map(Self).map_err(io::Error::other)
    }

    /// The authority's own certificate as PEM text, for those who trust it.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a server with these host names and addresses.
    ///
    /// # Errors
    /// When a name is no host name.
    pub fn for_hosts(&self, names: &[&str]) -> io::Result<Certificate> {
        self.issue(&server(names)?)
    }

    /// The same, whose time was over years ago.
    ///
    /// # Errors
    /// When a name is no host name.
    pub fn expired_for_hosts(&self, names: &[&str]) -> io::Result<Certificate> {
        let mut params = server(names)?;
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.issue(&params)
    }

    /// A certificate for a client that signs in as `role`.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn for_role(&self, role: &str) -> io::Result<Certificate> {
        let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, role);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(&params)
    }

    fn issue(&self, params: &CertificateParams) -> io::Result<Certificate> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.0).map_err(io::Error::other)?;
        Ok(Certificate { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

fn server(names: &[&str]) -> io::Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

impl PostgresServer {
    /// Starts the server again with these settings on top of the usual ones, each as `name=value`; earlier ones are
    /// forgotten. Only for a private cluster.
    ///
    /// # Errors
    /// When it does not start with them.
    pub fn restart_with(&self, settings: &[&str]) -> io::Result<()> {
        self.shut_down()?;
        write_private(&self.folder.join(CHANGED_SETTINGS), &settings.join("\n"))?;
        self.start()
    }

    /// Starts the server again with TLS and this certificate, beside `settings`. The superuser must show a certificate of
    /// `clients` instead of a password, where that is given, and has the choice between clear text and TLS otherwise. Only
    /// for a private cluster.
    ///
    /// # Errors
    /// When it does not start with them.
    pub fn restart_with_tls(
        &self,
        certificate: &Certificate,
        clients: Option<&Authority>,
        settings: &[&str],
    ) -> io::Result<()> {
        let Certificate { certificate, key } = certificate;
        // Unlike the others, this one is not looked for in the data folder.
        let rules = format!("hba_file={}", self.socket_folder().join("clients.conf").display());
        let mut settings = settings.to_vec();
        settings.extend(["ssl=on", "ssl_cert_file=server.pem", "ssl_key_file=server.key"]);
        self.place("server.pem", certificate)?;
        self.place("server.key", key)?;
        if let Some(authority) = clients {
            self.place("clients.pem", &authority.pem())?;
            self.place("clients.conf", "hostssl all all all cert\n")?;
            settings.extend(["ssl_ca_file=clients.pem", &rules]);
        }
        self.restart_with(&settings)
    }

    /// A folder that the server may write to, for `unix_socket_directories`.
    #[must_use]
    pub fn socket_folder(&self) -> PathBuf {
        self.folder.join("cluster")
    }

    /// Writes a file into the server's folder, readable by the server's user alone.
    fn place(&self, name: &str, text: &str) -> io::Result<()> {
        let file = self.socket_folder().join(name);
        let _ = fs::remove_file(&file);
        write_private(&file, text)?;
        if effective_user()? == 0 {
            run(Command::new("chown").arg("postgres").arg(&file))?;
        }
        Ok(())
    }
}
