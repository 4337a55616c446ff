{% macro to_date(text, day_first=none, is_clean=false) -%}
    {#- The day (in UTC) of a point in time, in the spellings of to_timestamp; null where the text is none. -#}
    cast({{ account_mapping.to_timestamp(text, day_first, is_clean) }} as date)
{%- endmacro %}
