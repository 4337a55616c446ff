{% macro trim_whitespace(text) %}
    {#- Text without white space at its ends: blanks, tabs, line breaks and no-break spaces. -#}
    {{- return(adapter.dispatch('trim_whitespace', 'account_mapping')(text)) -}}
{% endmacro %}

{% macro default__trim_whitespace(text) -%}
    {{- account_mapping._engine_lacks('trim_whitespace') -}}
{%- endmacro %}

{% macro duckdb__trim_whitespace(text) -%}
    {#- `trim` reads all of the text: a look at both ends, which are visible ASCII most of the time, is five times faster. -#}
    case
        when ({{ text }})[1] between '!' and '~' and ({{ text }})[-1] between '!' and '~' then {{ text }}
        else trim({{ text }}, chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(32) || chr(160))
    end
{%- endmacro %}

{% macro spark__trim_whitespace(text) -%}
    btrim({{ text }}, '\t\n\u000b\u000c\r \u00a0')
{%- endmacro %}
