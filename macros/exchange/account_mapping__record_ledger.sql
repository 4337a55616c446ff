{% macro account_mapping__record_ledger(partner_id, folder) %}
    {#- For the exchange command: adds entries of the ledger, in `folder`, that the warehouse does not have yet; all or
        none, and none that does not follow the last one. -#}
    {{- return(adapter.dispatch('account_mapping__record_ledger', 'account_mapping')(partner_id, folder)) -}}
{% endmacro %}

{% macro default__account_mapping__record_ledger(partner_id, folder) %}
    {%- do exceptions.raise_compiler_error(
        "account_mapping: the exchange command keeps its ledger on DuckDB only, this is " ~ target.type ~ ". Keep a log of"
        ~ " what you grant to a partner and when."
    ) -%}
{% endmacro %}

{% macro duckdb__account_mapping__record_ledger(partner_id, folder) %}
    {%- if not execute -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set relation = account_mapping._partners_table('exchange_ledger') -%}
    {%- set columns = account_mapping._ledger_columns() -%}
    {%- set typed, layout = [], [] -%}
    {%- for column, type in columns.items() -%}
        {%- do typed.append(column ~ " " ~ type) -%}
        {%- do layout.append(account_mapping._text_literal(column) ~ ": " ~ account_mapping._text_literal(type)) -%}
    {%- endfor -%}
    {%- set statements = [
        "create schema if not exists " ~ relation.without_identifier(),
        "create table if not exists " ~ relation ~ " (" ~ (typed | join(", ")) ~ ", primary key (number))",
        "insert into " ~ relation ~ " by name select * from read_json("
        ~ account_mapping._text_literal(folder ~ "/new_entries.json") ~ ", format = 'array', columns = {"
        ~ (layout | join(", ")) ~ "}) where number > (select coalesce(max(number), 0) from " ~ relation ~ ")",
        "select case when exists (select * from " ~ relation ~ " as later left join " ~ relation ~ " as former"
        ~ " on later.number = former.number + 1 where later.number > 1"
        ~ " and json_extract_string(later.entry, '$.previous') is distinct from former.entry_hash)"
        ~ " then error('account_mapping: entries of the ledger do not follow each other: see exchange ledger') end",
    ] -%}
    {%- do run_query("begin transaction;\n" ~ (statements | join(";\n")) ~ ";\ncommit") -%}
{% endmacro %}
