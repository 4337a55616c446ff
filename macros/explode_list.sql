{% macro explode_list(expression, delimiter=';') %}
    {{- return(adapter.dispatch('explode_list', 'account_mapping')(expression, delimiter)) -}}
{% endmacro %}

{% macro default__explode_list(expression, delimiter) -%}
    explode(split({{ expression }}, '{{ delimiter }}'))
{%- endmacro %}

{% macro duckdb__explode_list(expression, delimiter) -%}
    unnest(string_split({{ expression }}, '{{ delimiter }}'))
{%- endmacro %}
