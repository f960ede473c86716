def default_python_distribution(flavor="standalone", build_target=None, python_version=None):
    if python_version not in [None, "3.11"]:
        fail("the template asks for Python " + python_version + ", but `[pyoxidizer].python` and the interpreter constraints give 3.11")
    return PythonDistribution(sha256="0123abcd", local_path="python.tar.zst", flavor="standalone")
# The PyOxidizer configuration of every `pyoxidizer_binary` without a `template` of its own, and the
# place to start such a template from. Its language is described in PyOxidizer's manual.

def make_exe():
    dist = PythonDistribution(sha256="0123abcd", local_path="python.tar.zst", flavor="standalone")

    policy = dist.make_python_packaging_policy()
    policy.extension_module_filter = "no-copyleft"
    # Extension modules cannot be loaded from memory on every system: those lie in `lib`.
    policy.resources_location_fallback = "filesystem-relative:lib"
    # What `filesystem_resources` names is laid out as plain files, as pip would install it.
    policy.allow_files = True
    policy.file_scanner_emit_files = True

    python_config = dist.make_python_interpreter_config()
    # As `python` itself: UTF-8 whatever the locale, and KeyboardInterrupt for Ctrl-C.
    python_config.utf8_mode = True
    python_config.install_signal_handlers = True
    # Python's own importer finds the plain files.
    python_config.filesystem_importer = True
    python_config.module_search_paths = ["$ORIGIN/lib"]
    python_config.run_command = "run(\'it\')"

    exe = dist.to_python_executable(
        name = "bin",
        packaging_policy = policy,
        config = python_config,
    )
    exe.add_python_resources(exe.pip_install(["--requirement", "/dev/null"]))
    filesystem_resources = exe.pip_install(["--no-deps", "dist-1.whl"])
    filesystem_files = [resource for resource in filesystem_resources if type(resource) == "File"]
    for resource in filesystem_files or filesystem_resources:
        resource.add_include = True
        resource.add_location = "filesystem-relative:lib"
        exe.add_python_resource(resource)

    return exe

def make_embedded_resources(exe):
    return exe.to_embedded_resources()

def make_install(exe):
    files = FileManifest()
    files.add_python_resource(".", exe)
    return files

register_target("exe", make_exe)
register_target("resources", make_embedded_resources, depends = ["exe"], default_build_script = True)
register_target("install", make_install, depends = ["exe"], default = True)
resolve_targets()
