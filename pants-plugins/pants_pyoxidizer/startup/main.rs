// Licensed under the Apache License, Version 2.0 (see LICENSE).
//! The main program of a runtime: a Python. It stands for the one that PyOxidizer generates.

// Rust's own start would open /dev/null where a standard stream is closed, of which Python makes
// None, and handle SIGSEGV and SIGBUS, so that the first one that is sent would not end the process.
#![no_main]

mod process;

use process::Process;
use pyembed::{MainPythonInterpreter, NewInterpreterError, OxidizedPythonInterpreterConfig};
use std::os::raw::c_int;

// It defines `default_python_config`.
include!(env!("DEFAULT_PYTHON_CONFIG_RS"));

#[no_mangle]
pub extern "C" fn main() -> c_int {
    let status = Process::current().and_then(run).unwrap_or_else(|message| {
        let executable = std::env::current_exe().unwrap_or_default();
        let name = executable.file_name().unwrap_or_default();
        eprintln!("{}: {message}", name.to_string_lossy());
        1
    });
    std::process::exit(status)
}

/// Does what `python` does, after `start.py` has prepared it, and returns the exit status.
fn run(process: Process) -> Result<i32, String> {
    let mut config: OxidizedPythonInterpreterConfig = default_python_config();
    config.argv = Some(process.arguments);
    config.interpreter_config.executable = Some(process.python.into());
    config.interpreter_config.use_environment = Some(process.heeds_variables);
    config.interpreter_config.development_mode = Some(true).filter(|_| process.is_development);
    let python = match MainPythonInterpreter::new(config) {
        Ok(python) => python,
        Err(error) if is_exit(&error) => return Ok(if process.asks_for_help { 0 } else { 2 }),
        Err(error) => return Err(format!("Python cannot start: {error}")),
    };
    let executable = process.executable;
    let is_prepared = python.with_gil(|py| {
        py.import("pants_pyoxidizer.startup.start")
            .and_then(|start| start.call_method1("prepare", (executable,)))
            .map_err(|error| error.print(py))
            .is_ok()
    });
    Ok(if is_prepared { python.run() } else { 1 })
}

/// Whether Python has ended by itself, after its version or usage, which pyembed takes for an error.
fn is_exit(error: &NewInterpreterError) -> bool {
    error.to_string().ends_with("could not format PyStatus")
}
