{% macro account_mapping__forget_partner(partner_id, folder) %}
    {#- For the exchange command: removes a partner's rows from every table of the package, history included, and writes
        what was removed to `folder`. -#}
    {{- return(adapter.dispatch('account_mapping__forget_partner', 'account_mapping')(partner_id, folder)) -}}
{% endmacro %}

{% macro default__account_mapping__forget_partner(partner_id, folder) %}
    {%- do exceptions.raise_compiler_error(
        "account_mapping: the exchange command forgets a partner on DuckDB only, this is " ~ target.type ~ ". Delete its"
        ~ " rows (partner_id = '" ~ partner_id ~ "') in the tables of the schema of source `partners`, and in"
        ~ " int_account_mapping__overlap_first_seen, int_account_mapping__frozen_counts,"
        ~ " int_account_mapping__company_register, int_account_mapping__deal_history and int_account_mapping__history;"
        ~ " then take it out of"
        ~ " account_mapping__partners and run `dbt build`."
    ) -%}
{% endmacro %}

{% macro duckdb__account_mapping__forget_partner(partner_id, folder) %}
    {%- if not execute -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set partner = account_mapping._text_literal(partner_id) -%}
    {%- set names, schemas = [], [] -%}
    {%- for name in [
        'partner_accounts', 'partner_deals', 'partner_contacts', 'partner_keys', 'partner_counts', 'partner_fields',
        'partner_agreements', 'partner_manifests'
    ] -%}
        {%- set relation = account_mapping._partners_table(name) -%}
        {%- do names.append(relation.database ~ "." ~ relation.schema ~ "." ~ relation.identifier) -%}
    {%- endfor -%}
    {%- if 'shared_keys' in var('account_mapping__crms', []) -%}
        {%- set own = source('own', 'shared_keys') -%}
        {%- for name in [own.identifier, 'shared_counts'] -%}
            {%- do names.append(own.database ~ "." ~ own.schema ~ "." ~ name) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type == 'model' and node.package_name == 'account_mapping' -%}
            {%- do names.append(node.database ~ "." ~ node.schema ~ "." ~ node.alias) -%}
            {%- do schemas.append(node.database ~ "." ~ node.schema) -%}
        {%- endif -%}
    {%- endfor -%}
    {#- a model that is switched off, or that a former version had or had elsewhere, is none of this run; its table stays -#}
    {%- do schemas.append(target.database ~ "." ~ target.schema) -%}
    {#- not by the adapter's look-ups, which would open a transaction of their own -#}
    {%- set tables = run_query(
        "select database_name, schema_name, table_name from duckdb_columns() inner join duckdb_tables()"
        ~ " using (database_name, schema_name, table_name) where lower(column_name) = 'partner_id' order by all") -%}
    {%- set deletions, counts = [], [] -%}
    {%- for table in tables.rows -%}
        {%- if account_mapping._is_of_package(table, schemas, names) -%}
            {%- set relation = api.Relation.create(database=table[0], schema=table[1], identifier=table[2]) -%}
            {%- set condition = " from " ~ relation ~ " where lower(trim(cast(partner_id as varchar))) = " ~ partner -%}
            {%- do deletions.append((table[0], "delete" ~ condition)) -%}
            {%- do counts.append(
                "select " ~ account_mapping._text_literal(table[1] ~ "." ~ table[2])
                ~ " as table_name, count(*) as removed" ~ condition) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if counts -%}
        {%- do account_mapping._write_json(folder, 'removed',
            "select * from (" ~ (counts | join(" union all ")) ~ ") where removed > 0 order by table_name") -%}
        {%- do account_mapping._in_transactions(deletions) -%}
    {%- endif -%}
    {%- do account_mapping._write_ledger(folder) -%}
{% endmacro %}

{% macro _is_of_package(table, schemas, names) %}
    {#- Whether a table, as [database, schema, name], is among `names`, or lies in one of `schemas` with a name that the
        package gives. In any case of letters: an attached database is called as the profile writes it, or as a var does. -#}
    {%- set place = (table[0] ~ "." ~ table[1]) | lower -%}
    {{- return(
        (place ~ "." ~ table[2] | lower) in (names | map('lower'))
        or (place in (schemas | map('lower'))
            and table[2].startswith(('int_account_mapping__', 'stg_account_mapping__')))) -}}
{% endmacro %}

{% macro _in_transactions(statements) %}
    {#- Run statements, each with the database that it writes to: those of one database all or none, since a transaction
        of DuckDB writes to one database. That of the target comes last, as others may read it. Each may be run again. -#}
    {%- set databases = [] -%}
    {%- for database, _ in statements if (database | lower) != (target.database | lower) -%}
        {%- do databases.append(database) -%}
    {%- endfor -%}
    {%- for database in (databases | unique | list) + [target.database] -%}
        {%- set own = [] -%}
        {%- for place, statement in statements if (place | lower) == (database | lower) -%}
            {%- do own.append(statement) -%}
        {%- endfor -%}
        {%- if own -%}
            {%- do run_query("begin transaction;\n" ~ (own | join(";\n")) ~ ";\ncommit") -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}
