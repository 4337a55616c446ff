"""A local Spark for tests, in the environment `.venvs/engines`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession

# What a profile says under server_side_parameters.
SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.master": "local[2]",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
}


def session(folder: Path | None = None) -> SparkSession:
    """The process' session; its tables lie in `folder`, or in a new temporary one."""
    os.environ.update({"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"})
    builder = SparkSession.builder
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.config("spark.sql.warehouse.dir", str(folder or tempfile.mkdtemp())).getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark
