{% macro attached_type(database) %}
    {#- What holds a database that DuckDB has attached: `duckdb`, `postgres`, `mysql`, `sqlite`, `ducklake`, ... -#}
    {{- return(adapter.dispatch('attached_type', 'account_mapping')(database)) -}}
{% endmacro %}

{% macro default__attached_type(database) %}
    {{- return(target.type) -}}
{% endmacro %}

{% macro duckdb__attached_type(database) %}
    {%- if (database | lower) == (target.database | lower) -%}
        {{- return('duckdb') -}}
    {%- endif -%}
    {%- set found = run_query(
        "select type from duckdb_databases() where lower(database_name) = "
        ~ account_mapping._text_literal(database | lower)).rows -%}
    {{- return(found[0][0] if found else none) -}}
{% endmacro %}

{% macro spark__attached_type(database) %}
    {#- dbt-spark knows no databases: what a model names as its own is left out without a word -#}
    {{- return(none) -}}
{% endmacro %}

{% macro databricks__attached_type(database) %}
    {{- return(target.type) -}}
{% endmacro %}
