{% macro _text_literal(text) -%}
    {{- return(adapter.dispatch('text_literal', 'account_mapping')(text)) -}}
{%- endmacro %}

{% macro default__text_literal(text) -%}
    '{{ (text | string) | replace("'", "''") }}'
{%- endmacro %}

{% macro spark__text_literal(text) -%}
    {#- there a backslash escapes, and two quotation marks were none before version 4 -#}
    '{{ (text | string) | replace("\\", "\\\\") | replace("'", "\\'") | replace("\n", "\\n") | replace("\r", "\\r") }}'
{%- endmacro %}
