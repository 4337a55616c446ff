{% macro clean_id(text) %}
    {#- An id as text: trimmed, the empty text as null, and without the `.0` of a number that was loaded as a float. -#}
    {{- return(adapter.dispatch('clean_id', 'account_mapping')(text)) -}}
{% endmacro %}

{% macro duckdb__clean_id(text) -%}
    regexp_replace({{ account_mapping.clean_text(text) }}, '^([0-9]+)[.]0+$', '\1')
{%- endmacro %}
