def default_python_distribution(flavor="standalone", build_target=None, python_version=None):
    if python_version not in [None, "3.11"]:
        fail("the template requests Python " + python_version + ", but `[pyoxidizer].python` and the interpreter constraints select 3.11")
    return PythonDistribution(sha256="0123abcd", local_path="python.tar.zst", flavor="standalone")
def make_exe():
    dist = PythonDistribution(sha256="0123abcd", local_path="python.tar.zst", flavor="standalone")
    policy = dist.make_python_packaging_policy()
    policy.file_scanner_emit_files = True
    python_config = dist.make_python_interpreter_config()
    python_config.run_command = "__import__(\'sys\').argv[:1] = [__import__(\'sys\').executable]; __import__(\'runpy\')._run_module_as_main(\'app.main\', alter_argv=False)"
    exe = dist.to_python_executable(name="bin", packaging_policy=policy, config=python_config)
    exe.add_python_resources(exe.pip_install(["--requirement", "/dev/null"]))
    filesystem_resources = exe.pip_install(["--no-deps", "dist-1.whl"])
    filesystem_files = [resource for resource in filesystem_resources if type(resource) == "File"]
    for resource in filesystem_files or filesystem_resources:
        resource.add_include = True
        resource.add_location = "filesystem-relative:lib"
        exe.add_python_resource(resource)
    return exe
