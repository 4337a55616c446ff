{% macro to_integer(text) -%}
    {#- A count as bigint, in the spellings of to_decimal, rounded; null where the text is no number. -#}
    cast({{ account_mapping.to_decimal(text) }} as bigint)
{%- endmacro %}
