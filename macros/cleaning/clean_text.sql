{% macro clean_text(text) -%}
    {#- Text trimmed, the empty text as null. Control characters stay: the normaliser reports them. -#}
    nullif({{ account_mapping.trim_whitespace(text) }}, '')
{%- endmacro %}
