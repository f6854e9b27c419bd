//! Authorities and certificates of the tests' own, made by openssl.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::succeed;

/// An authority, and the certificates that it signs.
pub struct Authority {
    directory: PathBuf,
    name: &'static str,
}

impl Authority {
    pub fn create(directory: &Path, name: &'static str) -> Self {
        let authority = Self {
            directory: directory.to_owned(),
            name,
        };
        authority.make(name, &[]);
        authority
    }

    fn file(&self, name: &str, kind: &str) -> String {
        self.directory
            .join(format!("{name}.{kind}"))
            .to_str()
            .unwrap()
            .to_owned()
    }

    pub fn certificate(&self) -> String {
        self.file(self.name, "pem")
    }

    /// A certificate and its key.
    pub fn sign(&self, name: &str, extension: &str) -> (String, String) {
        let (own, key) = (self.certificate(), self.file(self.name, "key"));
        self.make(
            name,
            &[
                "-CA",
                &own,
                "-CAkey",
                &key,
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-addext",
                extension,
            ],
        );
        (self.file(name, "pem"), self.file(name, "key"))
    }

    fn make(&self, name: &str, more: &[&str]) {
        let mut command = Command::new("openssl");
        command.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ]);
        command.args([
            "-subj",
            &format!("/CN={name}"),
            "-keyout",
            &self.file(name, "key"),
            "-out",
            &self.file(name, "pem"),
        ]);
        command.args(more);
        succeed(command);
    }
}
