# The PyOxidizer configuration of the runtime: the interpreter, its standard library, and the code
# that finds and starts a program that is added later.

# Useless in a binary, or without their data files.
LEFT_OUT = ["ensurepip", "idlelib", "lib2to3", "pydoc_data", "turtledemo"]

# Modules that few programs import. Payloads contain them, compressed.
RARELY_USED = [
    "_aix_support", "_android_support", "_apple_support", "_ios_support", "_osx_support",
    "_pydecimal", "_pyio", "_pyrepl", "aifc", "antigravity", "asynchat", "asyncore", "bdb",
    "binhex", "cProfile", "cgi", "cgitb", "chunk", "cmd", "code", "codeop", "colorsys",
    "compileall", "crypt", "curses", "dbm", "distutils", "doctest", "filecmp", "fileinput",
    "ftplib", "imaplib", "imghdr", "mailbox", "mailcap", "modulefinder", "msilib", "nntplib",
    "nturl2path", "optparse", "pdb", "pickletools", "pipes", "poplib", "profile", "pstats", "pty",
    "py_compile", "pyclbr", "pydoc", "rlcompleter", "sched", "shelve", "smtpd", "smtplib", "sndhdr",
    "sunau", "symtable", "tabnanny", "telnetlib", "this", "timeit", "tkinter", "trace", "tty",
    "turtle", "unittest", "uu", "venv", "wave", "webbrowser", "wsgiref", "xdrlib", "xml", "xmlrpc",
    "zipapp",
]

def package_of(resource):
    return resource.name.split(".")[0]

def choose(policy, resource):
    kind = type(resource)
    if kind == "PythonModuleSource":
        # Starting requires bytecode, and the default `include_distribution_sources = True`.
        resource.add_source = False
        resource.add_bytecode_optimization_level_zero = True
        if package_of(resource) in LEFT_OUT + RARELY_USED:
            resource.add_include = False
    elif kind in ["PythonPackageResource", "PythonPackageDistributionResource"]:
        resource.add_include = False

def make_distribution():
    return default_python_distribution(python_version="3.10")

def make_exe():
    dist = make_distribution()

    policy = dist.make_python_packaging_policy()
    policy.extension_module_filter = "no-copyleft"
    # Extension modules that cannot be loaded from memory go to `lib`.
    policy.resources_location_fallback = "filesystem-relative:lib"
    policy.register_resource_callback(choose)

    python_config = dist.make_python_interpreter_config()
    # As `python` itself, which parses its command line; `main.rs` says what that is. But all modules
    # come from the executable and from `lib`: PYTHONPATH and PYTHONHOME do not count.
    python_config.config_profile = "python"
    python_config.parse_argv = True
    python_config.site_import = False
    python_config.user_site_directory = False
    python_config.pathconfig_warnings = False
    # Python's allocator. PyOxidizer's default takes longer to compile than all other crates.
    python_config.allocator_backend = "default"
    # UTF-8 in any locale, the locale's encoding for C libraries such as curses, and
    # KeyboardInterrupt for Ctrl-C.
    python_config.utf8_mode = True
    python_config.configure_locale = True
    python_config.coerce_c_locale = "LC_CTYPE"
    python_config.install_signal_handlers = True
    # "dynamic" sets TERMINFO_DIRS, which child processes of the program inherit.
    python_config.terminfo_resolution = "dynamic"
    # The package below supports multiprocessing.
    python_config.multiprocessing_auto_dispatch = False
    python_config.multiprocessing_start_method = "none"
    # Python's own importer finds plain files, and calls the payload's importer.
    python_config.filesystem_importer = True
    python_config.module_search_paths = ["$ORIGIN/lib"]
    exe = dist.to_python_executable(
        name = "runtime",
        packaging_policy = policy,
        config = python_config,
    )
    exe.add_python_resources(
        exe.read_package_root(path = "startup", packages = ["pants_pyoxidizer"])
    )
    return exe

def make_install(exe):
    files = FileManifest()
    files.add_python_resource(".", exe)
    for resource in make_distribution().python_resources():
        if type(resource) == "PythonModuleSource" and package_of(resource) in RARELY_USED:
            files.add_python_resource("rarely_used", resource)
    return files

register_target("exe", make_exe)
register_target("install", make_install, depends = ["exe"], default = True)
resolve_targets()
