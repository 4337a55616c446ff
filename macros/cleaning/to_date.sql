{% macro to_date(text) -%}
    {#- The day (in UTC) of a point in time, in the spellings of to_timestamp; null where the text is none. -#}
    cast({{ account_mapping.to_timestamp(text) }} as date)
{%- endmacro %}
