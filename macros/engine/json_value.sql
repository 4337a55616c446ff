{% macro json_value(expression, key) %}
    {{- return(adapter.dispatch('json_value', 'account_mapping')(expression, key)) -}}
{% endmacro %}

{% macro default__json_value(expression, key) -%}
    {{- account_mapping._engine_lacks('json_value') -}}
{%- endmacro %}

{% macro duckdb__json_value(expression, key) -%}
    json_extract_string({{ expression }}, {{ account_mapping._json_pointer([key]) }})
{%- endmacro %}

{% macro spark__json_value(expression, key) -%}
    {{ account_mapping._spark_fields(expression) }}[{{ account_mapping._text_literal(key) }}]
{%- endmacro %}

{% macro _spark_fields(text) -%}
    {#- The fields of a JSON object given as text, as a map of texts: a path of Spark's cannot name every key. -#}
    from_json({{ text }}, 'map<string,string>', map('allowSingleQuotes', 'false'))
{%- endmacro %}

{% macro _json_pointer(path) -%}
    {#- A list of field names as a JSON pointer (RFC 6901), an SQL literal: of what a name may hold it has two escapes,
        while in a JSON path a quotation mark cannot be written. -#}
    {%- set steps = [] -%}
    {%- for field in path -%}
        {%- do steps.append('/' ~ (field | string | replace('~', '~0') | replace('/', '~1'))) -%}
    {%- endfor -%}
    {{ account_mapping._text_literal(steps | join('')) }}
{%- endmacro %}
