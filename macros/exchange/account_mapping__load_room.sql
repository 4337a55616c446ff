{% macro account_mapping__load_room(partner_id, folder, files) %}
    {#- For the exchange command in a clean room: replaces both sides' keys and counts by the checked files below `folder`,
        all or nothing. files: of `own` and `keys`, and of `own_counts` and `keys_counts` where counts came, the name of
        each file and how many rows it must have. -#}
    {{- return(adapter.dispatch('account_mapping__load_room', 'account_mapping')(partner_id, folder, files)) -}}
{% endmacro %}

{% macro default__account_mapping__load_room(partner_id, folder, files) %}
    {%- do exceptions.raise_compiler_error(
        "account_mapping: the exchange command reads files on DuckDB only, this is " ~ target.type ~ ". Load one side's"
        ~ " account_mapping__shared_keys into own.shared_keys and the other's into partners.partner_keys, both with '"
        ~ partner_id ~ "' as partner_id."
    ) -%}
{% endmacro %}

{% macro duckdb__account_mapping__load_room(partner_id, folder, files) %}
    {%- if not execute -%}
        {{- return('') -}}
    {%- endif -%}
    {%- if 'shared_keys' not in var('account_mapping__crms', []) -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: this project is no clean room: that has the var account_mapping__crms: [shared_keys]."
        ) -%}
    {%- endif -%}
    {%- set partner = account_mapping._text_literal(partner_id) -%}
    {%- set statements = [] -%}
    {%- set own = source('own', 'shared_keys') -%}
    {%- set partners_database = account_mapping._partners_table('partner_keys').database -%}
    {%- if (own.database | lower) != (partners_database | lower) -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: var own_database is " ~ own.database ~ " and partners_database is " ~ partners_database
            ~ ". A delivery is loaded as a whole or not at all, so both sides' tables have to be in one database."
        ) -%}
    {%- endif -%}
    {%- for relation, kind, file in [
        (own, 'keys', 'own'),
        (account_mapping._partners_table('partner_keys'), 'keys', 'keys'),
        (own.incorporate(path={'identifier': 'shared_counts'}), 'counts', 'own_counts'),
        (account_mapping._partners_table('partner_counts'), 'counts', 'keys_counts'),
    ] -%}
        {%- do statements.append("create schema if not exists " ~ relation.without_identifier()) -%}
        {%- do statements.extend(
            account_mapping._replace_rows(relation, kind, partner, folder, files.get(file))) -%}
    {%- endfor -%}
    {%- do run_query("begin transaction;\n" ~ (statements | join(";\n")) ~ ";\ncommit") -%}
{% endmacro %}
