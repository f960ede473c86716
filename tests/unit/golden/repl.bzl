def default_python_distribution(flavor="standalone", build_target=None, python_version=None):
    if python_version not in [None, "3.11"]:
        fail("the template requests Python " + python_version + ", but `[pyoxidizer].python` and the interpreter constraints select 3.11")
    return PythonDistribution(sha256="0123abcd", local_path="python.tar.zst", flavor="standalone")
def make_exe():
    dist = PythonDistribution(sha256="0123abcd", local_path="python.tar.zst", flavor="standalone")
    policy = dist.make_python_packaging_policy()
    policy.file_scanner_emit_files = True
    python_config = dist.make_python_interpreter_config()
    
    exe = dist.to_python_executable(name="repl", packaging_policy=policy, config=python_config)
    exe.add_python_resources(exe.pip_install(["dist-1-py3-none-any.whl"]))
    
    return exe
