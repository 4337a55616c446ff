{% macro matches_pattern(expression, pattern) %}
    {{- return(adapter.dispatch('matches_pattern', 'account_mapping')(expression, pattern)) -}}
{% endmacro %}

{% macro default__matches_pattern(expression, pattern) -%}
    {{- account_mapping._engine_lacks('matches_pattern') -}}
{%- endmacro %}

{% macro duckdb__matches_pattern(expression, pattern) -%}
    regexp_matches({{ expression }}, '{{ pattern }}')
{%- endmacro %}

{% macro spark__matches_pattern(expression, pattern) -%}
    regexp_like({{ expression }}, {{ account_mapping._spark_pattern(pattern) }})
{%- endmacro %}

{% macro _spark_pattern(pattern) -%}
    {#- A pattern of RE2, which DuckDB has, as one of Java with the same meaning, an SQL literal. In Java `$` would also
        stand before a last line break, `.` would stop at more signs than a line feed, and `\s` and `\v` hold others.
        A `$` among brackets is not expected. -#}
    {%- set java = pattern | string | replace('$', '\\z') | replace('\\v', '\\x0B') -%}
    {%- set parts = java.split('\\s') -%}
    {%- set written = [] -%}
    {%- for part in parts -%}
        {%- do written.append(part) -%}
        {%- set before = written | join('') -%}
        {%- if not loop.last -%}
            {#- inside brackets already, or not -#}
            {%- set inside = before.rfind('[') > before.rfind(']') -%}
            {%- do written.append('\\t\\n\\f\\r ' if inside else '[\\t\\n\\f\\r ]') -%}
        {%- endif -%}
    {%- endfor -%}
    {{- account_mapping._text_literal('(?d)' ~ (written | join(''))) -}}
{%- endmacro %}

{% macro _spark_replace(expression, pattern, replacement) -%}
    {#- Every match of a pattern replaced; `$1` is the first group. -#}
    regexp_replace({{ expression }}, {{ account_mapping._spark_pattern(pattern) }}, {{ account_mapping._text_literal(replacement) }})
{%- endmacro %}

{% macro _spark_bound(name, expression, body) -%}
    {#- `body`, in which `name` stands for `expression`: Spark works a long expression out, and plans it, once per mention. -#}
    get(transform(array({{ expression }}), {{ name }} -> {{ body }}), 0)
{%- endmacro %}
