"""Run the two Python models that match names, alone, on the inputs that a build left behind.

usage: python -m benchmarks.models_alone MANIFEST.json DATABASE

What normalising and fuzzy matching cost without dbt and without the SQL models
around them: model(dbt, session) of each is called with the build's own tables,
read only, and its output is drained and counted.
"""

import json
import sys
from pathlib import Path
from typing import Any

import duckdb

from exchange.protocol import load_model

MODELS = ("int_account_mapping__normalized", "int_account_mapping__fuzzy_pairs")


class Dbt:
    """What a model sees as `dbt`. config has get("meta"); ref gives a relation of the build's table."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, relations: dict[str, str], config: dict[str, Any]
    ) -> None:
        self.connection = connection
        self.relations = relations
        self.config = config

    def ref(self, name: str) -> duckdb.DuckDBPyRelation:
        if name == "int_account_mapping__kept_pairs":
            # nothing is kept: what is measured is the work
            return self.connection.sql("select cast(null as varchar) as former")
        return self.connection.sql(f"select * from {self.relations[name]}")


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    nodes = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["nodes"].values()
    relations = {node["name"]: node["relation_name"] for node in nodes if node.get("relation_name")}
    configs = {node["name"]: node["config"] for node in nodes if node["name"] in MODELS}
    with duckdb.connect(sys.argv[2], read_only=True) as connection:
        for name in MODELS:
            reader = load_model(name).model(Dbt(connection, relations, configs[name]), connection)
            print(name, sum(batch.num_rows for batch in reader), "rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
