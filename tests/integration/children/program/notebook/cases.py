# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""A kernel that executes cells."""

import os
import tempfile

import nbformat
from nbformat.v4 import new_code_cell, new_notebook


def papermill():
    import papermill

    cells = [
        new_code_cell("x = 1", metadata={"tags": ["parameters"]}),
        new_code_cell("from notebook.work import double\nprint(double(x))"),
        new_code_cell("import os\nprint(os.getpid())"),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    with tempfile.TemporaryDirectory() as folder:
        source, result = os.path.join(folder, "in.ipynb"), os.path.join(folder, "out.ipynb")
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), source)
        papermill.execute_notebook(source, result, parameters={"x": 21}, progress_bar=False)
        outputs = [
            output["text"]
            for cell in nbformat.read(result, 4).cells
            for output in cell.get("outputs", [])
        ]
    assert outputs[0] == "42\n" and int(outputs[1]) != os.getpid(), outputs
