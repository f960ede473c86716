// Licensed under the Apache License, Version 2.0 (see LICENSE).
//! What a process of the executable is to be: the program, or a Python.
//!
//! Code that was written for `python` finds that `sys.executable` is one. Whoever starts the
//! executable by its own path gets the program. Both are one file, so the path decides:
//! `sys.executable` leads through ROOT.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};

/// A link to "/". Shells, `env`, and Python's `abspath` and `Path` keep it; `realpath` does not.
#[cfg(target_os = "linux")]
const ROOT: &str = "/proc/self/root";
#[cfg(not(target_os = "linux"))]
const ROOT: &str = "/.";

/// If it is "1", it asks for a Python.
const VARIABLE: &str = "PANTS_PYOXIDIZER_INTERPRETER";

/// How `multiprocessing` starts a process where `sys.frozen` is set.
const FORK: &str = "--multiprocessing-fork";
const FORK_CODE: &str = "from multiprocessing.spawn import freeze_support; freeze_support()";

/// How many processes of one executable may have started one another and still run.
const DEEPEST_NESTING: usize = 32;

/// What the payload says of the executable, in its footer. See `payload.py`.
#[derive(Default)]
struct Settings {
    has_program: bool,
    offers_interpreter: bool,
    heeds_variables: bool,
}

/// What Python is told about the process.
pub struct Process {
    pub executable: PathBuf,
    /// `sys.executable`.
    pub python: OsString,
    /// The command line, as that of `python`.
    pub arguments: Vec<OsString>,
    /// Whether variables such as PYTHONUNBUFFERED count.
    pub heeds_variables: bool,
    /// Whether there is `-X dev`, which changes how Python allocates memory.
    pub is_development: bool,
    /// Whether `python` shows its usage or its version, and ends.
    pub asks_for_help: bool,
}

enum Role {
    /// `sys.argv`.
    Program(Vec<OsString>),
    /// What follows `python` on its command line.
    Python(Vec<OsString>),
}

impl Process {
    /// Describes the current process. Changes its environment, so no other thread may run yet.
    ///
    /// The error tells the user why such a process may not be started.
    pub fn current() -> Result<Process, String> {
        let executable = env::current_exe()
            .and_then(fs::canonicalize)
            .map_err(|error| format!("cannot tell the path of this executable: {error}"))?;
        require_moderate_nesting(&executable)?;
        let settings = Settings::read(&executable);
        let is_secure = is_secure();
        let python = joined(ROOT, &executable);
        let command_line = match role(&executable, &settings, is_secure)? {
            Role::Program(arguments) => {
                env::remove_var("PYTHONINSPECT"); // It would show a prompt at the end.
                CommandLine {
                    arguments,
                    ..Default::default()
                }
            }
            Role::Python(arguments) => {
                env::remove_var("PYTHONSTARTUP"); // A prompt would run code from elsewhere.
                CommandLine::parse(arguments)
            }
        };
        env::remove_var("PYTHONOPTIMIZE");
        if is_secure {
            // As the dynamic linker removes its own, so that no child heeds them.
            for (name, _) in env::vars_os().filter(|(name, _)| starts_with(name, "PYTHON")) {
                env::remove_var(name);
            }
        }
        Ok(Process {
            executable,
            arguments: [python.clone()]
                .into_iter()
                .chain(command_line.arguments)
                .collect(),
            python,
            heeds_variables: settings.heeds_variables && !is_secure,
            is_development: command_line.is_development,
            asks_for_help: command_line.asks_for_help,
        })
    }
}

fn role(executable: &Path, settings: &Settings, is_secure: bool) -> Result<Role, String> {
    let own = identity(executable);
    let is_own = |path: &OsStr| own.is_some() && identity(path) == own;
    let mut given = env::args_os();
    let first = given.next().unwrap_or_default();
    let rest: Vec<OsString> = given.collect();
    let name = path_of_execve();

    // With sudo, `first` is what the user typed, so it does not count. The exception is a script
    // whose `#!` names `sys.executable`: there, execve was given the script.
    let is_script = identity(&name).is_some() && !is_own(&name);
    let is_python = leads_through_root(&name) || is_script && leads_through_root(&first);
    let is_fork = rest.first().map_or(false, |argument| argument == FORK);

    // Whoever borrows rights must not choose `sys.argv[0]`, by which the program may start itself.
    let program = |name: OsString, rest: &[OsString]| {
        let is_safe = !is_secure && is_own(&name);
        let name = if is_safe { name } else { executable.into() };
        Role::Program([&[name], rest].concat())
    };

    if let [script, rest @ ..] = &rest[..] {
        if is_python && is_own(script) {
            return Ok(program(script.clone(), rest)); // By `[sys.executable] + sys.argv`.
        }
    }
    if is_python || is_fork {
        if is_secure {
            return Err("such a process cannot run with the rights of another user".into());
        }
        if !settings.offers_interpreter {
            require_our_parent(own)?;
        }
        let code = is_fork.then(|| ["-c", FORK_CODE]).into_iter().flatten();
        return Ok(Role::Python(code.map(OsString::from).chain(rest).collect()));
    }
    if !settings.has_program {
        return Ok(Role::Python(rest));
    }
    let is_asked = env::var_os(VARIABLE).map_or(false, |value| value == "1");
    if is_asked && settings.offers_interpreter && !is_secure {
        env::remove_var(VARIABLE);
        return Ok(Role::Python(rest));
    }
    // As in a script, `sys.argv[0]` is what was found on the PATH, or the name of a link.
    Ok(program(name, &rest))
}

fn leads_through_root(path: &OsStr) -> bool {
    starts_with(path, ROOT) && path.as_bytes().get(ROOT.len()) == Some(&b'/')
}

fn starts_with(text: &OsStr, start: &str) -> bool {
    text.as_bytes().starts_with(start.as_bytes())
}

fn joined(start: impl AsRef<OsStr>, end: impl AsRef<OsStr>) -> OsString {
    let mut text = start.as_ref().to_owned();
    text.push(end);
    text
}

/// The device and the inode of a file; None if it does not exist, or may not be seen.
fn identity(path: impl AsRef<Path>) -> Option<(u64, u64)> {
    fs::metadata(path).map(|data| (data.dev(), data.ino())).ok()
}

/// A command line of `python`, and what must be known of it before Python reads it.
#[derive(Default)]
struct CommandLine {
    arguments: Vec<OsString>,
    asks_for_help: bool,
    is_development: bool,
}

impl CommandLine {
    /// Leaves out `-O`, as the executable has bytecode for a Python without it.
    fn parse(arguments: Vec<OsString>) -> CommandLine {
        let mut parsed = CommandLine::default();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            let bytes = argument.as_bytes();
            if bytes.len() < 2 || bytes[0] != b'-' || bytes == b"--" {
                parsed.arguments.push(argument);
                break;
            }
            let valued: &[u8]; // An option with a value, which may be the next argument.
            if bytes[1] == b'-' {
                parsed.asks_for_help |= bytes == b"--version" || bytes.starts_with(b"--help");
                valued = if bytes == b"--check-hash-based-pycs" {
                    b"-"
                } else {
                    b""
                };
                parsed.arguments.push(argument.clone());
            } else {
                let end = bytes.iter().position(|letter| b"cmWX".contains(letter));
                let (flags, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
                valued = rest;
                parsed.asks_for_help |= flags.iter().any(|letter| b"?Vh".contains(letter));
                let flags = flags.iter().filter(|letter| **letter != b'O');
                let kept: Vec<u8> = flags.chain(valued).copied().collect();
                if kept != b"-" {
                    parsed.arguments.push(OsStr::from_bytes(&kept).into());
                }
            }
            if matches!(valued, [b'c' | b'm', ..]) {
                break;
            }
            parsed.is_development |= valued == b"Xdev";
            if valued.len() == 1 {
                let value = rest.next();
                parsed.is_development |= valued == b"X" && value.as_deref() == Some("dev".as_ref());
                parsed.arguments.extend(value);
            }
        }
        parsed.arguments.extend(rest);
        parsed
    }
}

// --- The payload

impl Settings {
    /// Without a payload, they do not matter: `start.py` reports the error.
    fn read(executable: &Path) -> Settings {
        let beside = joined(executable, ".payload");
        let found = read_number(executable).or_else(|| read_number(Path::new(&beside)));
        found.map_or_else(Settings::default, |number| Settings {
            has_program: number & 1 != 0,
            offers_interpreter: number & 2 != 0,
            heeds_variables: number & 4 != 0,
        })
    }
}

/// The last number before the magic bytes that end a payload.
fn read_number(path: &Path) -> Option<u64> {
    let mut end = [0; 16];
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::End(-(end.len() as i64))).ok()?;
    file.read_exact(&mut end).ok()?;
    let (number, magic) = end.split_at(8);
    (magic == b"PANTSPYX").then(|| u64::from_le_bytes(number.try_into().unwrap()))
}

// --- Other processes

/// Fails if the program did not start this process, which runs code that it is sent.
fn require_our_parent(own: Option<(u64, u64)>) -> Result<(), String> {
    const ONLY_OURS: &str = "only the program itself can start such a process";
    let path = format!("/proc/{}/exe", parent_id());
    match fs::metadata(&path) {
        Ok(parent) if Some((parent.dev(), parent.ino())) == own => Ok(()),
        // The file may have been replaced since the parent started.
        Ok(_) if was_replaced(&path) => Ok(()),
        Ok(_) => Err(ONLY_OURS.into()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(format!(
            "{ONLY_OURS}, and {path}, which tells who did, cannot be read"
        )),
        Err(_) if cfg!(target_os = "linux") => Err(ONLY_OURS.into()),
        Err(_) => Ok(()), // Without `/proc`, nothing tells.
    }
}

fn was_replaced(parent: &str) -> bool {
    match (fs::read_link(parent), fs::read_link("/proc/self/exe")) {
        (Ok(parent), Ok(own)) => parent.as_os_str() == joined(own, " (deleted)"),
        _ => false,
    }
}

/// Fails if too many processes of this executable have started one another and still run.
fn require_moderate_nesting(executable: &Path) -> Result<(), String> {
    let own = identity(executable);
    let mut count = 0;
    let mut next = Some(parent_id());
    while let Some(process) = next {
        if own.is_some() && identity(format!("/proc/{process}/exe")) == own {
            count += 1;
        }
        next = parent(process);
    }
    if count < DEEPEST_NESTING {
        return Ok(());
    }
    Err(format!(
        "not started, because {count} processes of it have started one another; to fix, start the \
         program by `sys.argv[0]`, and Python code by `sys.executable`, not by its `realpath`"
    ))
}

/// From `/proc/N/stat`: "N (name) state parent ...", where a name may have any character.
fn parent(process: u32) -> Option<u32> {
    let text = fs::read(format!("/proc/{process}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    text.rsplit(')')
        .next()?
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

// --- The system

#[cfg(target_os = "linux")]
mod system {
    use super::*;
    use std::ffi::CStr;
    use std::os::raw::{c_char, c_ulong};

    // <linux/auxvec.h>
    const AT_SECURE: c_ulong = 23;
    const AT_EXECFN: c_ulong = 31;

    extern "C" {
        fn getauxval(kind: c_ulong) -> c_ulong;
    }

    /// Whether the executable gives rights to its caller, by set-user-ID or capabilities.
    pub fn is_secure() -> bool {
        unsafe { getauxval(AT_SECURE) != 0 }
    }

    pub fn path_of_execve() -> OsString {
        match unsafe { getauxval(AT_EXECFN) } as *const c_char {
            path if path.is_null() => OsString::new(),
            path => OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes()).into(),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::*;
    use std::os::raw::c_int;

    extern "C" {
        fn issetugid() -> c_int;
    }

    pub fn is_secure() -> bool {
        unsafe { issetugid() != 0 }
    }

    pub fn path_of_execve() -> OsString {
        env::current_exe().map(OsString::from).unwrap_or_default()
    }
}

use system::{is_secure, path_of_execve};
