//! Certificates that clients show in a TLS handshake (RFC 8705), and the names in them.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A certificate whose key the handshake proved. Who made it is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// All that it is known by, its thumbprint too.
    pub names: Vec<CertificateName>,
    /// A configured authority made it, it is meant for clients, and it was valid during the handshake.
    pub trusted: bool,
}

/// Whether clients are asked for a certificate where TLS ends, and whose is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MutualTls {
    /// They are asked for none, or TLS ends elsewhere.
    #[default]
    Off,
    /// They are asked; a certificate is known by its thumbprint alone.
    SelfSigned,
    /// They are asked, and configured authorities vouch for names as well.
    Authorities,
}

impl MutualTls {
    /// Whether clients are asked for a certificate at all.
    pub fn is_on(self) -> bool {
        self != Self::Off
    }
}

/// What a certificate is known by (RFC 8705 §2.1.2, §3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateName {
    /// The subject as RFC 4514 writes it: the last part first, as in `CN=machine,O=Example`.
    SubjectDn(String),
    /// A host name among the subject's alternative names, in lower case.
    SanDns(String),
    /// An address of the alternative names, such as a SPIFFE id.
    SanUri(String),
    /// An IP address of the alternative names.
    SanIp(IpAddr),
    /// A mail address of the alternative names.
    SanEmail(String),
    /// The SHA-256 of the whole certificate, base64url.
    #[serde(rename = "x5t#S256")]
    Thumbprint(String),
}

impl Certificate {
    /// The SHA-256 of the whole certificate, base64url (RFC 8705 §3.1).
    pub fn thumbprint(&self) -> Option<&str> {
        self.names.iter().find_map(|name| match name {
            CertificateName::Thumbprint(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// An authority vouches that it has one of these names (`tls_client_auth`, RFC 8705 §2.1).
    pub fn is_issued_to(&self, names: &[CertificateName]) -> bool {
        self.trusted && names.iter().any(|name| self.names.contains(name))
    }

    /// It is one of these very certificates (`self_signed_tls_client_auth`, RFC 8705 §2.2). No name in it counts:
    /// whoever made it could write what they like.
    pub fn is_one_of(&self, names: &[CertificateName]) -> bool {
        names.iter().any(|name| name.is_thumbprint() && self.names.contains(name))
    }
}

impl CertificateName {
    /// What can stand before the `=` of a name's text.
    pub const KINDS: [&str; 6] = ["subject_dn", "san_dns", "san_uri", "san_ip", "san_email", "x5t#S256"];

    /// A name by its kind and its text; nothing if there is no such kind, or nothing of that kind is written so.
    pub fn new(kind: &str, text: &str) -> Option<Self> {
        let name = match kind {
            "subject_dn" => Self::SubjectDn(text.to_owned()),
            "san_dns" => Self::SanDns(text.to_ascii_lowercase()),
            "san_uri" => Self::SanUri(text.to_owned()),
            "san_ip" => Self::SanIp(text.parse().ok()?),
            "san_email" => Self::SanEmail(text.to_owned()),
            // 32 bytes in base64url without padding.
            "x5t#S256" if text.len() == 43 => Self::Thumbprint(text.to_owned()),
            _ => return None,
        };
        (!text.is_empty()).then_some(name)
    }

    /// Kind and text, as [`new`](Self::new) takes them.
    pub fn parts(&self) -> (&'static str, String) {
        match self {
            Self::SubjectDn(text) => ("subject_dn", text.clone()),
            Self::SanDns(text) => ("san_dns", text.clone()),
            Self::SanUri(text) => ("san_uri", text.clone()),
            Self::SanIp(address) => ("san_ip", address.to_string()),
            Self::SanEmail(text) => ("san_email", text.clone()),
            Self::Thumbprint(text) => ("x5t#S256", text.clone()),
        }
    }

    /// It stands for one certificate, whoever made it.
    pub fn is_thumbprint(&self) -> bool {
        matches!(self, Self::Thumbprint(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_they_are_read() {
        for kind in CertificateName::KINDS {
            let text = match kind {
                "san_ip" => "192.0.2.1".to_owned(),
                "x5t#S256" => "A".repeat(43),
                _ => "a".to_owned(),
            };
            let name = CertificateName::new(kind, &text).unwrap();
            assert_eq!(name.parts(), (kind, text));
            let json = serde_json::to_value(&name).unwrap();
            assert!(json.get(kind).is_some(), "{json}");
            assert_eq!(CertificateName::new(kind, ""), None, "{kind}");
        }
        for (kind, text) in [("san_ip", "example.com"), ("x5t#S256", "AA:BB"), ("san_other", "a")] {
            assert_eq!(CertificateName::new(kind, text), None, "{kind} {text}");
        }
        assert_eq!(CertificateName::new("san_dns", "A.example"), CertificateName::new("san_dns", "a.EXAMPLE"));
    }

    #[test]
    fn a_self_signed_certificate_is_known_by_its_thumbprint_alone() {
        let dns = CertificateName::SanDns("machine.example".to_owned());
        let thumbprint = CertificateName::Thumbprint("A".repeat(43));
        for trusted in [false, true] {
            let shown = Certificate { names: vec![dns.clone(), thumbprint.clone()], trusted };
            // What is registered, whether it is issued to that, whether it is that.
            for (registered, issued, same) in
                [(vec![dns.clone()], trusted, false), (vec![thumbprint.clone()], trusted, true), (vec![], false, false)]
            {
                let found = (shown.is_issued_to(&registered), shown.is_one_of(&registered));
                assert_eq!(found, (issued, same), "{trusted} {registered:?}");
            }
        }
    }
}
