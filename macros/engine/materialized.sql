{% macro materialized() %}
    {{- return(adapter.dispatch('materialized', 'account_mapping')()) -}}
{% endmacro %}

{% macro default__materialized() -%}
{%- endmacro %}

{% macro duckdb__materialized() -%}
materialized
{%- endmacro %}
