{% macro letters_only(text) %}
    {#- Text in lower case without anything but a-z, and without a remark in brackets at its end: how words that
        people edit are compared. -#}
    {{- return(adapter.dispatch('letters_only', 'account_mapping')(text)) -}}
{% endmacro %}

{% macro default__letters_only(text) -%}
    {{- account_mapping._engine_lacks('letters_only') -}}
{%- endmacro %}

{% macro duckdb__letters_only(text) -%}
    regexp_replace(regexp_replace(lower({{ text }}), '[(][^)]*[)]\s*$', ''), '[^a-z]', '', 'g')
{%- endmacro %}

{% macro spark__letters_only(text) -%}
    {%- set bare = account_mapping._spark_replace('lower(' ~ text ~ ')', '[(][^)]*[)]\\s*$', '') -%}
    {{ account_mapping._spark_replace(bare, '[^a-z]', '') }}
{%- endmacro %}
