//! Keys as PEM: those of the public test vectors, others of the same kinds, and some that must be refused. All of them are
//! published here and good for nothing else.

/// The key of RFC 8037 appendix A.1, PKCS#8.
pub const ED25519: &str = include_str!("keys/ed25519_rfc8037.pem");
/// Its public half (RFC 8037 appendix A.2).
pub const ED25519_PUBLIC: &str = include_str!("keys/ed25519_rfc8037.pub.pem");
/// Another Ed25519 key.
pub const OTHER_ED25519: &str = include_str!("keys/ed25519_other.pem");
/// The key of RFC 7515 appendix A.2, PKCS#8; 2,048 bits.
pub const RSA: &str = include_str!("keys/rsa_rfc7515.pem");
/// Its public half.
pub const RSA_PUBLIC: &str = include_str!("keys/rsa_rfc7515.pub.pem");
/// The same key in PKCS#1.
pub const RSA_PKCS1: &str = include_str!("keys/rsa_rfc7515.pkcs1.pem");
/// Another RSA key of 2,048 bits.
pub const OTHER_RSA: &str = include_str!("keys/rsa_other.pem");
/// The same key in PKCS#1.
pub const OTHER_RSA_PKCS1: &str = include_str!("keys/rsa_other.pkcs1.pem");
/// The key of RFC 7638 section 3.1, of which only the public half is known.
pub const RSA_RFC7638_PUBLIC: &str = include_str!("keys/rsa_rfc7638.pub.pem");

/// An RSA key of 1,024 bits.
pub const RSA_1024: &str = include_str!("keys/rsa_1024.pem");
/// Its public half.
pub const RSA_1024_PUBLIC: &str = include_str!("keys/rsa_1024.pub.pem");
/// An RSA key that is one bit too short.
pub const RSA_2047: &str = include_str!("keys/rsa_2047.pem");
/// An RSA key for RSASSA-PSS alone.
pub const RSA_PSS: &str = include_str!("keys/rsa_pss.pem");
/// A key on the curve P-256.
pub const EC_P256: &str = include_str!("keys/ec_p256.pem");
/// An Ed448 key.
pub const ED448: &str = include_str!("keys/ed448.pem");
/// [`ED25519`], encrypted with a password.
pub const ED25519_ENCRYPTED: &str = include_str!("keys/ed25519_encrypted.pem");
