def make_exe():
    dist = default_python_distribution(python_version="3.10")
    policy = dist.make_python_packaging_policy()
    policy.file_scanner_emit_files = True
    python_config = dist.make_python_interpreter_config()
    python_config.run_command = "__import__(\'sys\').argv[:1] = [__import__(\'sys\').executable]; __import__(\'runpy\')._run_module_as_main(\'app.main\', alter_argv=False)"
    exe = dist.to_python_executable(name="bin", packaging_policy=policy, config=python_config)
    exe.add_python_resources(exe.pip_install(["dist-1.whl"]))
    
    return exe
