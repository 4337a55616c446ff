{% macro to_timestamp(text, day_first=none, is_clean=false) %}
    {#- A point in time as timestamp in UTC, null where the text is none.

        Takes ISO dates and times with or without offset (`2020-10-22T21:03:23.000+0000`; without one they are UTC),
        seconds or milliseconds since 1970, `20201022`, and what CRM exports write: month/day/year, day.month.year,
        `Jan 31, 2026`, `31 Jan 2026`, each with or without a time of day; hyphens for slashes, and years of two digits.
        day_first: an expression that tells whether this column writes day/month/year. -#}
    {{- return(adapter.dispatch('to_timestamp', 'account_mapping')(
        text if is_clean else account_mapping.clean_text(text), day_first)) -}}
{% endmacro %}

{% macro default__to_timestamp(text, day_first) -%}
    {{- account_mapping._engine_lacks('to_timestamp') -}}
{%- endmacro %}

{% macro duckdb__to_timestamp(text, day_first) -%}
    {%- set value = "regexp_replace(" ~ text ~ ", '^([0-9]+)[.]0+$', '\\1')" -%}
    {%- set full_year -%}
        regexp_replace(replace({{ account_mapping.month_first(value, day_first) }}, chr(8239), ' '), '^([0-9]{1,2}[./][0-9]{1,2}[./]|[0-9]{1,2}-[A-Za-z]{3}-)([0-9]{2})($|[^0-9])', '\120\2\3')
    {%- endset -%}
    case
        when regexp_matches({{ value }}, '^[0-9]{4}-.*:.*([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$')
            then make_timestamp(epoch_us(try_cast({{ value }} as timestamptz)))
        when regexp_matches({{ value }}, '^[0-9]{4}-') then try_cast({{ value }} as timestamp)
        when regexp_matches({{ value }}, '^[0-9]{11,14}$')
            then make_timestamp(try_cast({{ value }} as bigint) * 1000)
        when regexp_matches({{ value }}, '^[0-9]{9,10}$')
            then make_timestamp(try_cast({{ value }} as bigint) * 1000000)
        when regexp_matches({{ value }}, '^([0-9]|[A-Za-z]{3,9} [0-9])') then try_strptime({{ full_year }}, [
            '%Y%m%d', '%Y/%m/%d', '%Y/%m/%d %H:%M', '%Y/%m/%d %H:%M:%S', '%m/%d/%Y', '%m/%d/%Y %H:%M',
            '%m/%d/%Y %H:%M:%S', '%m/%d/%Y %I:%M %p', '%m/%d/%Y %I:%M:%S %p', '%m/%d/%Y, %I:%M %p', '%m/%d/%Y, %H:%M',
            '%d.%m.%Y', '%d.%m.%Y %H:%M', '%d.%m.%Y %H:%M:%S', '%d.%m.%Y, %H:%M', '%b %d, %Y', '%B %d, %Y',
            '%b %d, %Y %I:%M %p', '%b %d, %Y, %I:%M %p', '%b %d, %Y %H:%M', '%d %b %Y', '%d %B %Y', '%d-%b-%Y',
            '%d %b %Y %H:%M'
        ])
    end
{%- endmacro %}

{% macro spark__to_timestamp(text, day_first) -%}
    {#- The session's clock stands at UTC: check_engine. -#}
    {%- set full_year = account_mapping._spark_replace(
        "replace(" ~ account_mapping.month_first('written', day_first) ~ ", '\\u202f', ' ')",
        '^([0-9]{1,2}[./][0-9]{1,2}[./]|[0-9]{1,2}-[A-Za-z]{3}-)([0-9]{2})($|[^0-9])', '$120$2$3') -%}
    {%- set spelled -%}
        coalesce(
        {%- for format in [
            'yyyyMMdd', 'yyyy/M/d', 'yyyy/M/d H:m', 'yyyy/M/d H:m:s', 'M/d/yyyy', 'M/d/yyyy H:m', 'M/d/yyyy H:m:s',
            'M/d/yyyy h:m a', 'M/d/yyyy h:m:s a', 'M/d/yyyy, h:m a', 'M/d/yyyy, H:m', 'd.M.yyyy', 'd.M.yyyy H:m',
            'd.M.yyyy H:m:s', 'd.M.yyyy, H:m', 'MMM d, yyyy', 'MMMM d, yyyy', 'MMM d, yyyy h:m a', 'MMM d, yyyy, h:m a',
            'MMM d, yyyy H:m', 'd MMM yyyy', 'd MMMM yyyy', 'd-MMM-yyyy', 'd MMM yyyy H:m',
        ] %}
            try_to_timestamp(spelled, '{{ format }}'){{ ',' if not loop.last }}
        {%- endfor %}
        )
    {%- endset -%}
    {%- set moment -%}
        case
            when {{ account_mapping.matches_pattern('written', '^[0-9]{4}-') }} then {{ account_mapping.iso_timestamp('written') }}
            when {{ account_mapping.matches_pattern('written', '^[0-9]{11,14}$') }} then timestamp_millis(try_cast(written as bigint))
            when {{ account_mapping.matches_pattern('written', '^[0-9]{9,10}$') }} then timestamp_seconds(try_cast(written as bigint))
            when {{ account_mapping.matches_pattern('written', '^([0-9]|[A-Za-z]{3,9} [0-9])') }}
                then {{ account_mapping._spark_bound('spelled', full_year, spelled) }}
        end
    {%- endset -%}
    {{- account_mapping._spark_bound('written', account_mapping._spark_replace(text, '^([0-9]+)[.]0+$', '$1'), moment) -}}
{%- endmacro %}

{% macro iso_timestamp(text) %}
    {#- A point in time that a database wrote as text, as timestamp in UTC. -#}
    {{- return(adapter.dispatch('iso_timestamp', 'account_mapping')(text)) -}}
{% endmacro %}

{% macro default__iso_timestamp(text) -%}
    {{- account_mapping._engine_lacks('iso_timestamp') -}}
{%- endmacro %}

{% macro duckdb__iso_timestamp(text) -%}
    case
        when regexp_matches({{ text }}, ':.*[+-][0-9]{2}(:?[0-9]{2})?$')
            then make_timestamp(epoch_us(try_cast({{ text }} as timestamptz)))
        else try_cast({{ text }} as timestamp)
    end
{%- endmacro %}

{% macro spark__iso_timestamp(text) -%}
    case
        when {{ account_mapping.matches_pattern(text, account_mapping._iso_pattern()) }} then try_cast({{ text }} as timestamp)
    end
{%- endmacro %}

{% macro _iso_pattern() -%}
    {#- What DuckDB casts to a timestamp: Spark also takes a year alone, names of zones and more. -#}
    ^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T][0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}([.][0-9]*)?)?([Zz]| UTC|[+-][0-9]{2}(:?[0-9]{2})?)?)?$
{%- endmacro %}
