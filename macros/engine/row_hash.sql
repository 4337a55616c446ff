{% macro row_hash(columns) %}
    {#- A quick hash of several columns as one number, to find rows that may be equal. Rows that differ may share it,
        and it may change with the engine's version: nothing is kept by it. -#}
    {{- return(adapter.dispatch('row_hash', 'account_mapping')(columns)) -}}
{% endmacro %}

{% macro default__row_hash(columns) -%}
    {{- account_mapping._engine_lacks('row_hash') -}}
{%- endmacro %}

{% macro duckdb__row_hash(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__row_hash(columns) -%}
    xxhash64({{ columns | join(', ') }})
{%- endmacro %}
