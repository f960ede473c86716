// Licensed under the Apache License, Version 2.0 (see LICENSE).
//! What `main.rs` is in a runtime, with a Python of this machine: its standard library is in files.
//!
//! Environment of the compiler: HOME_OF_PYTHON, and PLUGIN, where the start-up code is.

#![no_main]

#[allow(dead_code)] // Here, arguments[0] tells `python`.
mod process;

use process::Process;
use std::ffi::{c_void, CString, OsString};
use std::os::raw::{c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

#[repr(C)]
struct PyStatus {
    kind: c_int, // 0 is none, 1 an error, and 2 an exit.
    function: *const c_char,
    message: *const c_char,
    exit_status: c_int,
}

extern "C" {
    fn Py_DecodeLocale(text: *const c_char, size: *mut usize) -> *mut c_void;
    fn Py_SetPythonHome(home: *const c_void);
    fn PyConfig_InitPythonConfig(config: *mut c_void);
    fn PyConfig_SetBytesArgv(config: *mut c_void, count: isize, argv: *const *const c_char)
        -> PyStatus;
    fn Py_InitializeFromConfig(config: *mut c_void) -> PyStatus;
    fn PyRun_SimpleString(code: *const c_char) -> c_int;
    fn Py_RunMain() -> c_int;
}

#[no_mangle]
pub extern "C" fn main() -> c_int {
    let status = Process::current().map(run).unwrap_or_else(|message| {
        let executable = std::env::current_exe().unwrap();
        eprintln!("{}: {message}", executable.file_name().unwrap().to_string_lossy());
        1
    });
    std::process::exit(status)
}

fn run(process: Process) -> i32 {
    let mut arguments = process.arguments;
    let python = arguments[0].clone();
    let options: &[&str] = if process.heeds_variables { &["-BSs"] } else { &["-BESs"] };
    arguments.splice(1..1, options.iter().map(OsString::from));
    let arguments: Vec<CString> = arguments.into_iter().map(c_string).collect();
    let argv: Vec<*const c_char> = arguments.iter().map(|argument| argument.as_ptr()).collect();
    // More than any version's `PyConfig` has.
    let mut config = vec![0u64; 1000];
    let config: *mut c_void = config.as_mut_ptr().cast();
    let code = c_string(
        format!(
            "for sys in [__import__('sys')]: sys.path.append({:?}); sys.executable = {:?}; \
             sys.frozen = True\n\
             del sys\n\
             __import__('pants_pyoxidizer.startup.start', fromlist=['prepare']).prepare({:?})\n",
            env!("PLUGIN"),
            python,
            process.executable,
        )
        .into(),
    );
    unsafe {
        let home = c_string(env!("HOME_OF_PYTHON").into());
        Py_SetPythonHome(Py_DecodeLocale(home.as_ptr(), ptr::null_mut()));
        PyConfig_InitPythonConfig(config);
        PyConfig_SetBytesArgv(config, argv.len() as isize, argv.as_ptr());
        let status = Py_InitializeFromConfig(config);
        match status.kind {
            0 if PyRun_SimpleString(code.as_ptr()) == 0 => Py_RunMain(),
            2 if process.asks_for_help => 0,
            2 => 2,
            _ => 1,
        }
    }
}

fn c_string(text: OsString) -> CString {
    CString::new(text.as_bytes()).unwrap()
}
