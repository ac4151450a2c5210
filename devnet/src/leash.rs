//! Child processes that can't outlive us, however we end.
//!
//! Each runs under a small shell that holds the other end of a pipe: when the pipe closes (we stopped it, panicked, or were
//! killed with no chance to clean up), the shell stops its one child by its pid, first politely, then not. Terminal signals
//! don't reach the child, so that the order of stopping is ours.

use anyhow::{Context, Result};
use std::{
    ffi::OsStr,
    fs::File,
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// `$0` takes the child's pid, `$1` is a folder to remove afterwards (or empty), the rest is the command.
const SHELL: &str = r#"
swept=$1; shift
exec 3<&0
"$@" </dev/null 3<&- & child=$!
echo "$child" >"$0"
{
  read -r word
  case $word in kill) kill -9 "$child" ;; *) kill "$child"; sleep 5; kill -9 "$child" ;; esac
} <&3 >/dev/null 2>&1 & watch=$!
exec 3<&-
wait "$child"; status=$?
[ -z "$swept" ] || rm -rf -- "$swept"
kill "$watch" 2>/dev/null
exit "$status"
"#;

/// How long a child gets to end, before and after it is killed.
const PATIENCE: Duration = Duration::from_secs(8);

/// A child process; dropped, it is stopped and waited for.
#[derive(Debug)]
pub struct Leash {
    name: String,
    shell: Child,
    pipe: Option<ChildStdin>,
    log: PathBuf,
    pid_file: PathBuf,
}

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Spawn<'a> {
    /// For messages and file names.
    pub name: &'a str,
    /// The native program: nothing that starts another one and leaves.
    pub program: &'a Path,
    /// Where `<name>.log` and `<name>.pid` go.
    pub folder: &'a Path,
    /// Removed once the child has ended, even if we have too.
    pub sweep: Option<&'a Path>,
    /// Where it runs; `None`: where we do.
    pub directory: Option<&'a Path>,
    /// Environment beside ours.
    pub environment: &'a [(&'a str, &'a OsStr)],
}

impl<'a> Spawn<'a> {
    /// A program that runs where we do.
    pub fn new(name: &'a str, program: &'a Path, folder: &'a Path) -> Self {
        Self { name, program, folder, sweep: None, directory: None, environment: &[] }
    }
}

impl Leash {
    /// Starts `spawn.program` with `args`. Its output goes to `<folder>/<name>.log`.
    pub fn spawn<S: AsRef<OsStr>>(
        spawn: &Spawn<'_>,
        args: impl IntoIterator<Item = S>,
    ) -> Result<Self> {
        let log = spawn.folder.join(format!("{}.log", spawn.name));
        let pid_file = spawn.folder.join(format!("{}.pid", spawn.name));
        let output = File::create(&log).with_context(|| log.display().to_string())?;
        let mut shell = Command::new("sh")
            .current_dir(spawn.directory.unwrap_or(Path::new(".")))
            .envs(spawn.environment.iter().copied())
            .arg("-c")
            .arg(SHELL)
            .arg(&pid_file)
            .arg(spawn.sweep.map_or(OsStr::new(""), Path::as_os_str))
            .arg(spawn.program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", spawn.program.display()))?;
        let pipe = shell.stdin.take();
        Ok(Self { name: spawn.name.to_owned(), shell, pipe, log, pid_file })
    }

    /// The child's pid, once it is known.
    pub fn pid(&self) -> Option<u32> {
        std::fs::read_to_string(&self.pid_file).ok()?.trim().parse().ok()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How it ended, if it has.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.shell.try_wait().ok().flatten()
    }

    /// The end of its output, for error messages.
    pub fn last_words(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(12)..).unwrap_or_default().join("\n")
    }

    /// Tells it to end, without waiting: several can end at once.
    pub fn let_go(&mut self) {
        self.pipe = None;
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut pipe) = self.pipe.take() {
            // A broken pipe means that it has ended already.
            let _ = pipe.write_all(b"kill\n");
        }
        self.wait();
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.exited().is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.let_go();
        self.wait();
    }
}

/// The native program `name`: of PATH, else of the lock file in tools/foundry. A script is no program: whoever kills the
/// script does not kill what it started.
pub fn program(name: &str, repository: &Path) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([repository.join("tools/foundry/node_modules/.bin")])
        .map(|folder| folder.join(name))
        .find(|candidate| is_native(candidate))
        .with_context(|| format!("{name} is missing: run ./script/setup"))
}

fn is_native(path: &Path) -> bool {
    use std::io::Read;
    let mut start = [0; 2];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start != *b"#!"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_alive(pid: u32) -> bool {
        // A zombie is gone as well: nobody but its parent sees it.
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }

    fn sleeper(folder: &Path, sweep: Option<&Path>) -> (Leash, u32) {
        let program = Path::new("/bin/sleep");
        let spawn = Spawn { sweep, ..Spawn::new("sleeper", program, folder) };
        let leash = Leash::spawn(&spawn, ["600"]).unwrap();
        let started = Instant::now();
        loop {
            match leash.pid() {
                Some(pid) => return (leash, pid),
                None => assert!(started.elapsed() < PATIENCE, "no pid"),
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_dropped_leash_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let swept = folder.path().join("swept");
        std::fs::create_dir(&swept).unwrap();
        let (leash, pid) = sleeper(folder.path(), Some(&swept));
        assert!(is_alive(pid));
        drop(leash);
        assert!(!is_alive(pid) && !swept.exists());
    }

    #[test]
    fn a_killed_child_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (mut leash, pid) = sleeper(folder.path(), None);
        leash.kill();
        assert!(!is_alive(pid) && leash.exited().is_some());
    }
}
