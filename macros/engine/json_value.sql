{% macro json_value(expression, key) %}
    {{- return(adapter.dispatch('json_value', 'account_mapping')(expression, key)) -}}
{% endmacro %}

{% macro default__json_value(expression, key) -%}
    get_json_object({{ expression }}, {{ account_mapping._text_literal('$["' ~ key ~ '"]') }})
{%- endmacro %}

{% macro duckdb__json_value(expression, key) -%}
    {#- as a JSON pointer, which has two escapes of its own: a key may hold quotes, dots and brackets -#}
    json_extract_string({{ expression }}, {{ account_mapping._text_literal('/' ~ (key | replace('~', '~0') | replace('/', '~1'))) }})
{%- endmacro %}
