//! A real `sshd` for one test: an ordinary process for each connection, that serves the one user
//! `deploy`, whom only a certificate lets in. It ends with its connection.

use std::{
    fs,
    io::ErrorKind,
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::fs::{PermissionsExt as _, chown},
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::support::{eventually, succeed};

pub struct Server {
    directory: TempDir,
    /// Whom it runs as: who runs the test, but never root, for whom `sshd` would want more.
    user: u32,
    is_root: bool,
}

impl Server {
    /// Trusts the certificates of this authority, and nothing else.
    pub fn new(authority: &str) -> Self {
        let mut id = Command::new("id");
        id.arg("-u");
        let me: u32 = succeed(id).trim().parse().unwrap();
        let server = Self {
            directory: TempDir::new().unwrap(),
            user: if me == 0 { 65534 } else { me },
            is_root: me == 0,
        };
        let mut keygen = Command::new("ssh-keygen");
        keygen
            .args(["-q", "-N", "", "-C", "", "-t", "ed25519", "-f"])
            .arg(server.path("host"));
        succeed(keygen);
        fs::write(server.path("authority"), format!("{authority}\n")).unwrap();
        let settings = format!(
            "HostKey {host}\nTrustedUserCAKeys {authority}\nAuthorizedKeysFile none\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n\
             StrictModes no\nPidFile none\nLogLevel VERBOSE\n",
            host = server.path("host").display(),
            authority = server.path("authority").display(),
        );
        fs::write(server.path("sshd_config"), settings).unwrap();
        // The system's own users are not asked; see nss_wrapper(1).
        let (user, home) = (server.user, server.directory.path().display());
        let passwd = format!("deploy:x:{user}:{user}::{home}:/bin/sh\n");
        fs::write(server.path("passwd"), passwd).unwrap();
        fs::write(server.path("group"), format!("deploy:x:{user}:\n")).unwrap();
        if server.is_root {
            for path in [server.directory.path(), &server.path("host")] {
                chown(path, Some(user), Some(user)).unwrap();
            }
            // Read by the server.
            let open =
                |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
            open(server.directory.path(), 0o755).unwrap();
        }
        server
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What `sshd` logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// `ssh` with this key and certificate, as `deploy`, to run this command.
    pub fn log_in(
        &self,
        holder: &Path,
        certificate: &Path,
        options: &[&str],
        command: &str,
    ) -> Output {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let host = fs::read_to_string(self.path("host.pub")).unwrap();
        fs::write(self.path("known_hosts"), format!("* {host}")).unwrap();
        let known = format!("UserKnownHostsFile={}", self.path("known_hosts").display());
        let with = format!("CertificateFile={}", certificate.display());
        let mut client = Command::new("ssh")
            .args(["-F", "none", "-p", &port, "-i"])
            .arg(holder)
            .args(["-o", &known, "-o", &with])
            .args([
                "-o",
                "GlobalKnownHostsFile=none",
                "-o",
                "StrictHostKeyChecking=yes",
            ])
            .args(["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"])
            .args(["-o", "IdentityAgent=none", "-o", "UpdateHostKeys=no"])
            .args(options)
            .args(["deploy@127.0.0.1", command])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("`ssh` is missing; run the tests with `tests/run`");
        let mut connection = None;
        eventually("ssh connects", || {
            match listener.accept() {
                Ok((stream, _)) => connection = Some(stream),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
            }
            connection.is_some() || client.try_wait().unwrap().is_some()
        });
        let Some(stream) = connection else {
            return client.wait_with_output().unwrap();
        };
        stream.set_nonblocking(false).unwrap();
        let out = OwnedFd::from(stream.try_clone().unwrap());
        let mut server = self
            .sshd()
            .stdin(Stdio::from(OwnedFd::from(stream)))
            .stdout(Stdio::from(out))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = client.wait_with_output().unwrap();
        server.wait().unwrap();
        output
    }

    /// For one connection, which is its standard input and output.
    fn sshd(&self) -> Command {
        let unpacked = std::env::var_os("STRONGROOM_TEST_SSHD")
            .expect("STRONGROOM_TEST_SSHD is not set: run the tests with `tests/run`");
        let unpacked = Path::new(&unpacked);
        let (mut libraries, mut wrapper) = (Vec::new(), PathBuf::new());
        for folder in ["usr/lib", "lib"] {
            for entry in fs::read_dir(unpacked.join(folder)).into_iter().flatten() {
                let folder = entry.unwrap().path();
                if folder.join("libnss_wrapper.so").exists() {
                    wrapper = folder.join("libnss_wrapper.so");
                }
                libraries.push(folder);
            }
        }
        let user = self.user.to_string();
        let program = unpacked.join("usr/sbin/sshd");
        let mut command = match self.is_root {
            true => Command::new("setpriv"),
            false => Command::new(&program),
        };
        if self.is_root {
            command
                .args(["--reuid", &user, "--regid", &user, "--clear-groups"])
                .arg(program);
        }
        command
            .arg("-i")
            .arg("-f")
            .arg(self.path("sshd_config"))
            .arg("-E")
            .arg(self.path("log"))
            .env("LD_LIBRARY_PATH", std::env::join_paths(libraries).unwrap())
            .env("LD_PRELOAD", wrapper)
            .env("NSS_WRAPPER_PASSWD", self.path("passwd"))
            .env("NSS_WRAPPER_GROUP", self.path("group"));
        command
    }
}
