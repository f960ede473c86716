# Licensed under the Apache License, Version 2.0 (see LICENSE).

import streamlit

streamlit.title("A page")
