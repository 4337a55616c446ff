"""The demo: a dbt project that installs the package, what makes its data, and what plays it."""
