{% macro json_object(fields) %}
    {#- JSON object text of {key: text expression}, keys in the order given, null values kept as null. -#}
    {{- return(adapter.dispatch('json_object', 'account_mapping')(fields)) -}}
{% endmacro %}

{% macro default__json_object(fields) -%}
    {{- account_mapping._engine_lacks('json_object') -}}
{%- endmacro %}

{% macro duckdb__json_object(fields) -%}
    cast(json_object(
        {%- for key, expression in fields.items() %}
            {{ account_mapping._text_literal(key) }}, {{ expression }}{{ ',' if not loop.last }}
        {%- endfor %}
        ) as {{ dbt.type_string() }})
{%- endmacro %}

{% macro spark__json_object(fields) -%}
    to_json(named_struct(
        {%- for key, expression in fields.items() %}
            {{ account_mapping._text_literal(key) }}, {{ expression }}{{ ',' if not loop.last }}
        {%- endfor %}
        ), map('ignoreNullFields', 'false'))
{%- endmacro %}
