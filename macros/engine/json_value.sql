{% macro json_value(expression, key) %}
    {{- return(adapter.dispatch('json_value', 'account_mapping')(expression, key)) -}}
{% endmacro %}

{% macro default__json_value(expression, key) -%}
    get_json_object({{ expression }}, '$["{{ key }}"]')
{%- endmacro %}

{% macro duckdb__json_value(expression, key) -%}
    json_extract_string({{ expression }}, '$."{{ key }}"')
{%- endmacro %}
