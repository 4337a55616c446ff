{% macro to_timestamp(text) %}
    {#- A point in time as timestamp in UTC, null where the text is none.

        Takes ISO dates and times with or without offset (`2020-10-22T21:03:23.000+0000`; without one they are UTC),
        seconds or milliseconds since 1970, `20201022`, and what CRM exports write: month/day/year, day.month.year,
        each with or without a time of day. -#}
    {{- return(adapter.dispatch('to_timestamp', 'account_mapping')(text)) -}}
{% endmacro %}

{% macro duckdb__to_timestamp(text) -%}
    {%- set value = account_mapping.clean_id(text) -%}
    case
        when regexp_matches({{ value }}, '^[0-9]{4}-.*:.*([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$')
            then make_timestamp(epoch_us(try_cast({{ value }} as timestamptz)))
        when regexp_matches({{ value }}, '^[0-9]{4}-') then try_cast({{ value }} as timestamp)
        when regexp_matches({{ value }}, '^[0-9]{11,14}$')
            then make_timestamp(try_cast({{ value }} as bigint) * 1000)
        when regexp_matches({{ value }}, '^[0-9]{9,10}$')
            then make_timestamp(try_cast({{ value }} as bigint) * 1000000)
        when regexp_matches({{ value }}, '^[0-9]') then try_strptime({{ value }}, [
            '%Y%m%d', '%Y/%m/%d', '%m/%d/%Y', '%m/%d/%Y %H:%M', '%m/%d/%Y %H:%M:%S', '%m/%d/%Y %I:%M %p',
            '%m/%d/%Y, %I:%M %p', '%d.%m.%Y', '%d.%m.%Y %H:%M'
        ])
    end
{%- endmacro %}
