"""A local Spark for tests, in the environment `.venvs/engines`."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyspark
import yaml
from pyspark.sql import SparkSession

PACKAGE = Path(__file__).resolve().parents[2]
# What a profile says under server_side_parameters.
SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.master": "local[2]",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
}


def session(folder: Path | None = None, settings: Mapping[str, str] | None = None) -> SparkSession:
    """The process' session; its tables lie in `folder`, or in a new temporary one. settings: others than SETTINGS."""
    os.environ.update({"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"})
    builder = SparkSession.builder
    for name, value in (SETTINGS | dict(settings or {})).items():
        builder = builder.config(name, value)
    spark = builder.config("spark.sql.warehouse.dir", str(folder or tempfile.mkdtemp())).getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


@contextmanager
def cluster(workers: int, folder: Path) -> Iterator[str]:
    """A standalone master with workers of one core on loopback, from the Python package alone; yields its address.

    folder: takes their logs and what they work on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"spark://127.0.0.1:{port}"
    started = [["master.Master", "--host", "127.0.0.1", "--port", f"{port}", "--webui-port", "0"]]
    for number in range(workers):
        place = str(folder / f"worker_{number}")
        options = ["--host", "127.0.0.1", "--cores", "1", "--memory", "2g", "--webui-port", "0", "--work-dir", place]
        started.append(["worker.Worker", *options, address])
    home = Path(pyspark.__file__).parent
    environment = os.environ | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for number, (name, *options) in enumerate(started):
            command = [home / "bin/spark-class", f"org.apache.spark.deploy.{name}", *options]
            with (folder / f"{number}.log").open("wb") as log:
                processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        deadline = time.monotonic() + 120
        while (folder / "0.log").read_text().count("Registering worker") < workers:
            if time.monotonic() > deadline or any(process.poll() is not None for process in processes):
                raise RuntimeError(f"the cluster did not start; its logs are in {folder}")
            time.sleep(0.5)
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(60)


def copy_project(project: Path, folder: Path) -> Path:
    """A copy of the project with both engines in its profile."""
    copy = folder / "project"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("target", "logs", "dbt_packages", "*.duckdb"))
    (copy / "dbt_packages").mkdir()
    (copy / "dbt_packages" / "account_mapping").symlink_to(PACKAGE, target_is_directory=True)
    said = yaml.safe_load((copy / "dbt_project.yml").read_text())
    said["dispatch"] = [{"macro_namespace": "dbt", "search_order": [said["name"], "account_mapping", "dbt"]}]
    for kind in ("models", "seeds"):
        said.setdefault(kind, {})["+file_format"] = "parquet"
    # Spark plans a view again wherever it is read, which takes longer than all else here
    said["models"]["account_mapping"] = {"staging": {"+materialized": "table"}}
    (copy / "dbt_project.yml").write_text(yaml.safe_dump(said, sort_keys=False))
    outputs = {
        "duckdb": {"type": "duckdb", "path": str(folder / "reference.duckdb"), "schema": "main", "threads": 1},
        "spark": {"type": "spark", "method": "session", "host": "NA", "schema": "main", "threads": 1},
    }
    (copy / "profiles.yml").write_text(yaml.safe_dump({said["profile"]: {"target": "spark", "outputs": outputs}}))
    return copy
