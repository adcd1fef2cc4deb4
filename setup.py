"""Take the app's pages into the wheel.

In the repository they lie at the top, where `streamlit run app.py` looks for them, and a wheel has
no top. There they become packages, with Streamlit's settings beside them, which `resviz app` opens.
All else about the package stands in pyproject.toml.
"""

from pathlib import Path

from setuptools import find_packages, setup

PAGES = {"resviz.app": ".", "resviz.app.pages": "pages"}

setup(
    script_name=Path(__file__).name,  # which is no module of the app
    packages=[*find_packages(include=["resviz*"]), *PAGES],
    package_dir=PAGES,
    package_data={
        "resviz.app": [".streamlit/config.toml"],
        "resviz.data": ["assets/**"],
        "resviz.ui": ["assets/*", "locale/**", "widgets/*.css", "widgets/*.js"],
    },
)
