{% macro month_first(text, day_first=none) %}
    {#- A date that is written with slashes or hyphens and a year at its end, with slashes and the month first; any other
        text as it is. day_first: an expression that tells whether its column writes the day first. A first part above
        12 can only be the day. -#}
    {{- return(adapter.dispatch('month_first', 'account_mapping')(text, day_first)) -}}
{% endmacro %}

{% macro default__month_first(text, day_first) -%}
    {{- account_mapping._engine_lacks('month_first') -}}
{%- endmacro %}

{% macro duckdb__month_first(text, day_first) -%}
    case
        when
            {{ account_mapping.first_part_is_day(text) }}
            {%- if day_first %} or coalesce({{ day_first }}, false){% endif %}
            then regexp_replace({{ text }}, '^([0-9]{1,2})[/-]([0-9]{1,2})[/-]', '\2/\1/')
        else regexp_replace({{ text }}, '^([0-9]{1,2})[/-]([0-9]{1,2})[/-]', '\1/\2/')
    end
{%- endmacro %}

{% macro spark__month_first(text, day_first) -%}
    case
        when
            {{ account_mapping.first_part_is_day(text) }}
            {%- if day_first %} or coalesce({{ day_first }}, false){% endif %}
            then {{ account_mapping._spark_replace(text, '^([0-9]{1,2})[/-]([0-9]{1,2})[/-]', '$2/$1/') }}
        else {{ account_mapping._spark_replace(text, '^([0-9]{1,2})[/-]([0-9]{1,2})[/-]', '$1/$2/') }}
    end
{%- endmacro %}

{% macro first_part_is_day(text) -%}
    {#- Whether a date such as 31/12/2025 can only be day/month. -#}
    {{- account_mapping.matches_pattern(text, '^(1[3-9]|2[0-9]|3[01])[/-][0-9]{1,2}[/-]') -}}
{%- endmacro %}

{% macro second_part_is_day(text) -%}
    {#- Whether a date such as 12/31/2025 can only be month/day. -#}
    {{- account_mapping.matches_pattern(text, '^[0-9]{1,2}[/-](1[3-9]|2[0-9]|3[01])[/-]') -}}
{%- endmacro %}

{% macro day_and_month_swap(text) -%}
    {#- Whether a date such as 05/06/2024 reads as another day when day and month are swapped. -#}
    {{- account_mapping.matches_pattern(text, '^(0?[1-9]|1[0-2])[/-](0?[1-9]|1[0-2])[/-]') }}
    and not {{ account_mapping.matches_pattern(
        text,
        '^(0?1[/-]0?1|0?2[/-]0?2|0?3[/-]0?3|0?4[/-]0?4|0?5[/-]0?5|0?6[/-]0?6|0?7[/-]0?7|0?8[/-]0?8|0?9[/-]0?9'
        ~ '|10[/-]10|11[/-]11|12[/-]12)[/-]'
    ) }}
{%- endmacro %}
