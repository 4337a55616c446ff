{% macro letters_and_digits(text) %}
    {#- Text in lower case without anything but a-z and 0-9: how names that people edit are compared. -#}
    {{- return(adapter.dispatch('letters_and_digits', 'account_mapping')(text)) -}}
{% endmacro %}

{% macro default__letters_and_digits(text) -%}
    {{- account_mapping._engine_lacks('letters_and_digits') -}}
{%- endmacro %}

{% macro duckdb__letters_and_digits(text) -%}
    regexp_replace(lower({{ text }}), '[^a-z0-9]', '', 'g')
{%- endmacro %}

{% macro spark__letters_and_digits(text) -%}
    {{ account_mapping._spark_replace('lower(' ~ text ~ ')', '[^a-z0-9]', '') }}
{%- endmacro %}
