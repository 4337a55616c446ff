{% macro source_table(source_name, table_name, required=false) %}
    {#- The relation that holds a source table, or none where there is no such table.

        `source()` is called for lineage only: which table is read is settled when the model runs, from the vars
        <source>_database, <source>_schema and <source>_<table>_identifier, else by the first name of
        source_table_names that exists, whatever its case. A missing required table is an error. -#}
    {%- set lineage = source(source_name, table_name) -%}
    {%- if not execute -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set identifier_var = source_name ~ '_' ~ table_name ~ '_identifier' -%}
    {%- set identifier = var(identifier_var, none) -%}
    {%- set names = [identifier] if identifier else account_mapping.source_table_names(source_name, table_name) -%}
    {%- set tables = {} -%}
    {%- set schema_relation = api.Relation.create(database=lineage.database, schema=lineage.schema) -%}
    {%- for row in list_relations_without_caching(schema_relation) -%}
        {#- an exact name wins over one in other case -#}
        {%- do tables.update({(row['name'] | lower): row} if (row['name'] | lower) not in tables else {}) -%}
        {%- do tables.update({row['name']: row}) -%}
    {%- endfor -%}
    {%- for name in names -%}
        {%- set row = tables.get(name) or tables.get(name | lower) -%}
        {%- if row -%}
            {{- return(api.Relation.create(
                database=lineage.database, schema=row['schema'], identifier=row['name'])) -}}
        {%- endif -%}
    {%- endfor -%}
    {%- if required and account_mapping.is_building() -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: the table `" ~ table_name ~ "` of " ~ source_name ~ " was not found. Looked in "
            ~ lineage.database ~ "." ~ lineage.schema ~ " for: " ~ (names | join(', ')) ~ ". Say where it is by the"
            ~ " vars " ~ source_name ~ "_database, " ~ source_name ~ "_schema and " ~ identifier_var
            ~ ((", or take " ~ source_name ~ " out of var account_mapping__crms")
                if source_name in account_mapping.supported_crms() else "") ~ "."
        ) -%}
    {%- endif -%}
    {{- return(none) -}}
{% endmacro %}
