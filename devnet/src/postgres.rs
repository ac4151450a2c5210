//! A Postgres of our own for tests and figures: Debian's package, in a temporary folder, on a Unix socket, stopped with us.

use crate::leash::{Leash, Spawn, program};
use anyhow::{Context, Result, bail, ensure};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// Where Debian puts the programs, one folder per version.
const DEBIAN: &str = "/usr/lib/postgresql";
const PATIENCE: Duration = Duration::from_secs(90);

/// A running server; dropped, it is stopped and its folder removed.
#[derive(Debug)]
pub struct OwnPostgres {
    programs: PathBuf,
    user: Option<Unprivileged>,
    server: Leash,
    folder: tempfile::TempDir,
}

/// Whom the server runs as where we are root: it refuses to be root.
#[derive(Clone, Copy, Debug)]
struct Unprivileged {
    uid: u32,
    gid: u32,
}

impl OwnPostgres {
    /// Starts a server that forgets everything when it ends, and so waits for no disk.
    ///
    /// # Errors
    /// If Debian's package is missing, or the server does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(&["fsync=off", "full_page_writes=off", "synchronous_commit=off"])
    }

    /// Starts a server with these settings, and otherwise the package's.
    ///
    /// # Errors
    /// If Debian's package is missing, or the server does not start.
    pub fn start_with(settings: &[&str]) -> Result<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("quorate-pg-").tempdir()?;
        let user = unprivileged(folder.path())?;
        if let Some(user) = user {
            chown(folder.path(), Some(user.uid), Some(user.gid))?;
        }
        let data = folder.path().join("data");
        let initdb = programs.join("initdb");
        let data_name = data.to_string_lossy().into_owned();
        let words = ["--auth=trust", "--username=quorate", "--encoding=UTF8", "--no-locale"];
        let begin = [&words[..], &["--no-sync", "--no-instructions", "-D", &data_name]].concat();
        run(command(user, &initdb, &begin))?;
        let socket = folder.path().to_string_lossy().into_owned();
        let mut arguments = vec!["-D".to_owned(), data_name];
        let own = [format!("unix_socket_directories={socket}"), "listen_addresses=".to_owned()];
        for setting in own.into_iter().chain(settings.iter().map(|word| (*word).to_owned())) {
            arguments.extend(["-c".to_owned(), setting]);
        }
        let postgres = programs.join("postgres");
        let (runs, arguments) = as_user(user, &postgres, arguments)?;
        let spawn = Spawn {
            sweep: Some(folder.path()),
            directory: Some(folder.path()),
            ..Spawn::new("postgres", &runs, folder.path())
        };
        let server = Leash::spawn(&spawn, arguments)?;
        let mut started = Self { programs, user, server, folder };
        started.wait()?;
        Ok(started)
    }

    /// The URL of a new, empty database.
    ///
    /// # Errors
    /// If there is one of this name.
    pub fn database(&self, name: &str) -> Result<String> {
        let socket = self.folder.path().to_string_lossy();
        let createdb = self.programs.join("createdb");
        run(command(self.user, &createdb, &["-h", &socket, "-U", "quorate", name]))?;
        Ok(format!("postgres://quorate@localhost/{name}?host={socket}"))
    }

    /// The server's process.
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    fn wait(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let socket = self.folder.path().to_string_lossy().into_owned();
        let ready = self.programs.join("pg_isready");
        loop {
            if let Some(status) = self.server.exited() {
                bail!("postgres ended ({status}):\n{}", self.server.last_words());
            }
            if Command::new(&ready).args(["-q", "-h", &socket]).status()?.success() {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "postgres does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn programs() -> Result<PathBuf> {
    let mut versions: Vec<PathBuf> = fs::read_dir(DEBIAN)
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.retain(|bin| bin.join("initdb").exists() && bin.join("postgres").exists());
    versions.sort();
    versions.pop().context("Postgres is missing: apt-get install postgresql (script/setup does)")
}

/// `None` if we are not root. The package makes the user `postgres`.
fn unprivileged(ours: &Path) -> Result<Option<Unprivileged>> {
    if fs::metadata(ours)?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let mut words = line.context("root needs the user postgres of Debian's package")?.split(':');
    let mut number = |at| words.nth(at).and_then(|word| word.parse().ok()).context("/etc/passwd");
    // The server shares the folder with nobody but us.
    fs::set_permissions(ours, fs::Permissions::from_mode(0o700))?;
    Ok(Some(Unprivileged { uid: number(2)?, gid: number(0)? }))
}

/// The command that runs `program` as `user`: setpriv becomes the program, under the same pid.
fn as_user(
    user: Option<Unprivileged>,
    postgres: &Path,
    arguments: Vec<String>,
) -> Result<(PathBuf, Vec<String>)> {
    let Some(Unprivileged { uid, gid }) = user else {
        return Ok((postgres.to_owned(), arguments));
    };
    let become_user =
        [format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()];
    let words = become_user.into_iter().chain([postgres.to_string_lossy().into_owned()]);
    Ok((program("setpriv", Path::new("/usr"))?, words.chain(arguments).collect()))
}

fn command(user: Option<Unprivileged>, program: &Path, arguments: &[&str]) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program);
    command.args(arguments).current_dir("/");
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

fn run(mut command: Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{:?}", command.get_program()))?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{:?}: {words}", command.get_program());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_server_leaves_nothing_behind() {
        let postgres = OwnPostgres::start().unwrap();
        postgres.database("once").unwrap();
        assert!(postgres.database("once").is_err(), "the same name twice");
        let (pid, folder) = (postgres.pid().unwrap(), postgres.folder.path().to_owned());
        drop(postgres);
        assert!(!Path::new(&format!("/proc/{pid}")).exists() && !folder.exists());
    }
}
