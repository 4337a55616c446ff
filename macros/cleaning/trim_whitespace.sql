{% macro trim_whitespace(text) %}
    {#- Text without white space at its ends: blanks, tabs, line breaks and no-break spaces. -#}
    {{- return(adapter.dispatch('trim_whitespace', 'account_mapping')(text)) -}}
{% endmacro %}

{% macro duckdb__trim_whitespace(text) -%}
    trim({{ text }}, chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(32) || chr(160))
{%- endmacro %}
