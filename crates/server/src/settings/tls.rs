//! Which certificate the listener serves with. Reading, judging and renewing it is `tls`'s.

use std::path::Path;

use holdfast_application::ports::Clock as _;
use holdfast_infrastructure::clock::SystemClock;

use super::describe::Effective;
use super::reader::Reader;
use crate::tls::{NEAR_END, Pair, PairFault, PairFiles};

const CERTIFICATE: &str = "TLS_CERTIFICATE";
const KEY: &str = "TLS_PRIVATE_KEY";

/// TLS of the listener; clear text where there is no pair.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// The files, and what they held when the settings were read.
    pub pair: Option<(PairFiles, Pair)>,
}

impl TlsSettings {
    /// The files are read here, so that everything that is wrong with them is told with all other faults.
    pub(super) fn read(reader: &mut Reader, directory: &Path) -> Self {
        let path = |name| reader.set(name).map(|entry| directory.join(&entry.value));
        let (certificate, key) = match (path(CERTIFICATE), path(KEY)) {
            (None, None) => return Self { pair: None },
            (Some(certificate), Some(key)) => (certificate, key),
            (None, Some(_)) => return Self::alone(reader, CERTIFICATE, KEY),
            (Some(_), None) => return Self::alone(reader, KEY, CERTIFICATE),
        };
        let (files, now) = (PairFiles { certificate, key }, SystemClock.now());
        match files.load(now) {
            Ok(pair) => {
                if let Some(end) = pair.ends_within(NEAR_END, now) {
                    reader.warn(CERTIFICATE, format!("ends on {end}; renew it before"));
                }
                Self { pair: Some((files, pair)) }
            }
            Err(faults) => {
                for fault in &faults {
                    tell(reader, fault);
                }
                Self { pair: None }
            }
        }
    }

    pub(super) fn effective(&self) -> Effective {
        let files = self.pair.as_ref().map(|(files, _)| files);
        vec![
            (CERTIFICATE, files.map(|files| files.certificate.display().to_string())),
            (KEY, files.map(|files| files.key.display().to_string())),
        ]
    }

    fn alone(reader: &mut Reader, missing: &'static str, given: &'static str) -> Self {
        reader.fault(missing, format!("is not set, and {given} is of no use without it"));
        Self { pair: None }
    }
}

fn tell(reader: &mut Reader, fault: &PairFault) {
    let variable = if fault.is_of_certificate() { CERTIFICATE } else { KEY };
    reader.fault_expecting(variable, fault.to_string(), fault.expected());
}
