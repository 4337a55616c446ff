{% macro account_mapping__list_inputs(folder) %}
    {#- Write what a build reads to folder/inputs.json: where the database is, which tables, which files, which day.

        Tables are those that the package reads, and all sources of the project, which models of the user's may read. -#}
    {{- return(adapter.dispatch('account_mapping__list_inputs', 'account_mapping')(folder)) -}}
{% endmacro %}

{% macro default__account_mapping__list_inputs(folder) %}
    {%- do exceptions.raise_compiler_error(
        "account_mapping: `rerun` looks at the tables of a DuckDB file, and this is " ~ target.type
        ~ ": use `dbt build`.") -%}
{% endmacro %}

{% macro duckdb__account_mapping__list_inputs(folder) %}
    {%- set relations, schemas = [], [] -%}
    {%- for table in account_mapping.input_tables() if table['relation'] -%}
        {%- do relations.append(table['relation']) -%}
    {%- endfor -%}
    {%- for source in graph.sources.values() -%}
        {%- do schemas.append(source.schema | lower) -%}
        {%- set relation = adapter.get_relation(
            database=source.database, schema=source.schema, identifier=source.identifier) -%}
        {%- if relation -%}
            {%- do relations.append(relation) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set rows = [
        ('profile', target.profile_name), ('target', target.name), ('lists', var('account_mapping__partner_lists_path')), ('as_of', var('account_mapping__as_of', '')),
    ] -%}
    {%- for relation in relations -%}
        {%- do rows.append(('relation', relation.render())) -%}
        {%- do schemas.append(relation.schema | lower) -%}
    {%- endfor -%}
    {%- for schema in schemas -%}
        {%- do rows.append(('schema', schema)) -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed', 'snapshot') -%}
        {%- do rows.append(('made', (node.schema ~ '.' ~ node.alias) | lower)) -%}
    {%- endfor -%}
    {%- set selects = ["select 'database' as kind, path as value from duckdb_databases() where database_name = current_database()"] -%}
    {%- for kind, value in rows -%}
        {%- do selects.append(
            "select " ~ account_mapping._text_literal(kind) ~ ", " ~ account_mapping._text_literal(value)) -%}
    {%- endfor -%}
    {%- do account_mapping._write_json(
        folder, "inputs", "select distinct * from (" ~ (selects | join(" union all ")) ~ ") order by all") -%}
{% endmacro %}
